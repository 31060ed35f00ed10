import { ApplyError } from './errors.mjs';

/**
 * A TypeScript file that is changed: mostly one of somebody else, into which lines of our own are inserted.
 *
 * Places are named by what stands there (a class, a method, a property), found in the syntax tree. Where that is not there, or is there
 * twice, nothing is guessed.
 */
export class SourceFile {
    /**
     * @param {import('typescript')} ts the compiler to read it with
     * @param {string} name for messages
     * @param {string} text
     */
    constructor(ts, name, text) {
        this.ts = ts;
        this.name = name;
        this.text = text;
        this.root = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
        /** What is inserted where, in place of so many characters. @type {{ position: number, text: string, removed: number }[]} */
        this.insertions = [];
    }

    /** Adds an import after the others. @param {string} line */
    addImport(line) {
        const last = this.root.statements.filter(this.ts.isImportDeclaration).at(-1);
        this.insert(this.found(last, 'an import').end, `\n${line}`);
    }

    /** Adds a statement at the end of the file. @param {string} text */
    append(text) {
        this.insert(this.root.end, text);
    }

    /** Adds lines at the end of an interface. @param {string} name @param {string} lines */
    addToInterface(name, lines) {
        const found = this.root.statements.filter(node => this.ts.isInterfaceDeclaration(node) && node.name.text === name);
        this.insert(this.only(found, `interface ${name}`).members.end, `\n\n${indent(lines, 1)}`);
    }

    /** Removes a member of an interface, with its comment. @param {string} name @param {string} member */
    removeFromInterface(name, member) {
        const found = this.root.statements.filter(node => this.ts.isInterfaceDeclaration(node) && node.name.text === name);
        const members = this.only(found, `interface ${name}`).members.filter(node => node.name?.getText(this.root) === member);
        const node = this.only(members, `${name}.${member}`);
        this.insert(node.pos, '', node.end - node.pos);
    }

    /** Removes a name from the import that brings it, among others. @param {string} name */
    removeImported(name) {
        const node = this.only(
            this.below(this.root, this.ts.isImportSpecifier).filter(specifier => specifier.name.text === name),
            `import of ${name}`
        );
        const comma = /^\s*,/.exec(this.text.slice(node.end))?.[0].length ?? 0;
        this.insert(node.pos, '', node.end + comma - node.pos);
    }

    /** @param {string} name */
    inClass(name) {
        const found = this.root.statements.filter(node => this.ts.isClassDeclaration(node) && node.name?.text === name);
        return new ClassBody(this, this.only(found, `class ${name}`));
    }

    /** The nodes of a kind below a node. */
    below(node, is) {
        const found = [];
        const visit = child => {
            if (is(child)) {
                found.push(child);
            }
            this.ts.forEachChild(child, visit);
        };
        this.ts.forEachChild(node, visit);
        return found;
    }

    insert(position, text, removed = 0) {
        this.insertions.push({ position, text, removed });
    }

    only(nodes, what) {
        if (nodes.length > 1) {
            throw new ApplyError(
                `${this.name} has ${nodes.length} places like "${what}" where one was expected; the change must be looked at anew`
            );
        }
        return this.found(nodes[0], what);
    }

    found(node, what) {
        if (node === undefined) {
            throw new ApplyError(`${this.name} has no "${what}" any more; the change must be looked at anew`);
        }
        return node;
    }

    /** Whether what is to be inserted stands beside its place already. */
    isThere({ position, text }) {
        return (
            text !== '' &&
            (this.text.slice(0, position).trimEnd().endsWith(text.trim()) || this.text.slice(position).trimStart().startsWith(text.trim()))
        );
    }

    /** The file with all insertions. */
    result() {
        if (this.insertions.every(insertion => this.isThere(insertion))) {
            throw new ApplyError(`${this.name} has this change already`);
        }
        let result = this.text;
        // From the end on, so that positions stay true; of several at one place, the first goes first.
        for (const { position, text, removed } of this.insertions.map((insertion, index) => ({ ...insertion, index })).sort(lastFirst)) {
            result = result.slice(0, position) + text + result.slice(position + removed);
        }
        return result;
    }
}

/** A class of a {@link SourceFile}. */
class ClassBody {
    constructor(file, node) {
        this.file = file;
        this.node = node;
    }

    /** Adds lines after a property. @param {string} property @param {string} lines */
    addAfterProperty(property, lines) {
        const found = this.node.members.filter(
            member => this.file.ts.isPropertyDeclaration(member) && member.name.getText(this.file.root) === property
        );
        this.file.insert(this.file.only(found, `property ${property}`).end, `\n${indent(lines, 1)}`);
    }

    /** @param {string} name */
    method(name) {
        const found = this.node.members.filter(
            member => this.file.ts.isMethodDeclaration(member) && member.body && member.name.getText(this.file.root) === name
        );
        return new Body(this.file, this.file.only(found, `method ${name}`).body, `method ${name}`);
    }

    constructorBody() {
        const found = this.node.members.filter(member => this.file.ts.isConstructorDeclaration(member) && member.body);
        return new Body(this.file, this.file.only(found, 'constructor').body, 'constructor');
    }
}

/** The body of a method. */
class Body {
    constructor(file, block, where) {
        this.file = file;
        this.block = block;
        this.where = where;
    }

    /** Adds lines before the first statement. @param {string} lines */
    prepend(lines) {
        this.file.insert(this.block.getStart(this.file.root) + 1, `\n${indent(lines, 2)}`);
    }

    /** Adds lines after the last statement. @param {string} lines */
    append(lines) {
        this.file.insert(this.block.statements.end, `\n${indent(lines, 2)}`);
    }

    /**
     * Adds lines at the end of the block that an `if` guards.
     * @param {string[]} names all identifiers of its condition, in their order
     * @param {string} lines
     * @param {number} depth of indentation
     */
    appendToIf(names, lines, depth) {
        this.file.insert(this.ifOf(names).thenStatement.statements.end, `\n${indent(lines, depth)}`);
    }

    /** Adds lines after an `if`, see {@link appendToIf}. @param {string[]} names @param {string} lines @param {number} depth */
    addAfterIf(names, lines, depth) {
        this.file.insert(this.ifOf(names).end, `\n${indent(lines, depth)}`);
    }

    /**
     * Lets an `if` that asks whether something is falsy ask whether it is undefined.
     * @param {string[]} names see {@link appendToIf}
     */
    askForUndefined(names) {
        const { ts, root } = this.file;
        const { expression } = this.ifOf(names);
        if (!ts.isPrefixUnaryExpression(expression) || expression.operator !== ts.SyntaxKind.ExclamationToken) {
            throw new ApplyError(`${this.file.name} does not ask "if (!…${names.at(-1)})" any more; the change must be looked at anew`);
        }
        const start = expression.getStart(root);
        this.file.insert(start, `${expression.operand.getText(root)} === undefined`, expression.end - start);
    }

    ifOf(names) {
        const { ts, root } = this.file;
        const isIt = node =>
            ts.isIfStatement(node) &&
            ts.isBlock(node.thenStatement) &&
            this.file
                .below(node.expression, ts.isIdentifier)
                .map(name => name.getText(root))
                .join() === names.join();
        return this.file.only(this.file.below(this.block, isIt), `if of ${names.join(', ')} in ${this.where}`);
    }
}

/** @param {string} lines @param {number} depth */
function indent(lines, depth) {
    return lines
        .split('\n')
        .map(line => (line === '' ? '' : '    '.repeat(depth) + line))
        .join('\n');
}

function lastFirst(a, b) {
    return b.position - a.position || b.index - a.index;
}

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { init, parse } from 'es-module-lexer';

/** What a module's type declarations export. */
export interface DeclaredNames {
    /** Names of everything, whether it exists at run time or not. */
    all: string[];
    /** Names that can be used as a value. */
    values: string[];
    /** Names of classes, which are values and types. */
    classes: string[];
    /** Names of interfaces and type aliases without type parameters. */
    plainTypes: string[];
}

await init();

const nothing: DeclaredNames = { all: [], values: [], classes: [], plainTypes: [] };

function merge(parts: readonly DeclaredNames[]): DeclaredNames {
    const join = (key: keyof DeclaredNames) => [...new Set(parts.flatMap(part => part[key]))].sort();
    return { all: join('all'), values: join('values'), classes: join('classes'), plainTypes: join('plainTypes') };
}

/** Names of the declarations in a file that have one of the keywords before the name and the suffix, a pattern, after it. */
function declaredNames(text: string, keyword: string, suffix = ''): Set<string> {
    return new Set(
        [...text.matchAll(new RegExp(`^export (?:declare )?(?:abstract )?${keyword} (\\w+)${suffix}`, 'gm'))].map(([, name = '']) => name)
    );
}

function readUncached(file: string): DeclaredNames {
    const text = readFileSync(file, 'utf8');
    const [imports, exports] = parse(text, file);
    const classes = declaredNames(text, 'class');
    // To the lexer, what is declared without being defined is only a type.
    const values = declaredNames(text, '(?:class|const|let|var|function|enum)');
    const plainTypes = declaredNames(text, '(?:interface|type)', '(?!\\w|<)');
    const targetOf = (importIndex: number) => {
        const specifier = imports[importIndex]?.specifier ?? '';
        return specifier.startsWith('.')
            ? readDeclarations(path.resolve(path.dirname(file), specifier.replace(/\.js$/, '.d.ts')))
            : nothing;
    };
    return merge(
        exports.map(entry => {
            if (entry.type === 'reexport-all') {
                return targetOf(entry.importIndex);
            }
            const { name } = entry;
            const target = entry.type === 'reexport' ? targetOf(entry.importIndex) : nothing;
            return {
                all: [name],
                values: values.has(name) || !entry.typeOnly ? [name] : [],
                classes: classes.has(name) || target.classes.includes(name) ? [name] : [],
                plainTypes: plainTypes.has(name) || target.plainTypes.includes(name) ? [name] : []
            };
        })
    );
}

const known = new Map<string, DeclaredNames>();

/** Reads what a declaration file exports, including what it passes on from others by relative paths. */
export function readDeclarations(file: string): DeclaredNames {
    const names = known.get(file) ?? readUncached(file);
    known.set(file, names);
    return names;
}

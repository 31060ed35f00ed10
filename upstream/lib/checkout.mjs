import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ApplyError } from './errors.mjs';
import { SourceFile } from './sourceFile.mjs';

/** What tells the two lines of development apart. */
const markers = { 'v1.x': 'src/server/webStandardStreamableHttp.ts', main: 'packages/server/src/server/streamableHttp.ts' };

/** A working copy of the SDK's repository, in which nothing is written before everything that is to be changed was found. */
export class Checkout {
    /** @param {string} folder */
    constructor(folder) {
        this.folder = path.resolve(folder);
        if (!existsSync(path.join(this.folder, 'package.json'))) {
            throw new ApplyError(`${this.folder} is no checkout of modelcontextprotocol/typescript-sdk: it has no package.json`);
        }
        const line = Object.entries(markers).find(([, marker]) => existsSync(path.join(this.folder, marker)));
        if (line === undefined) {
            throw new ApplyError(
                `${this.folder} is no checkout of modelcontextprotocol/typescript-sdk: it has neither ${Object.values(markers).join(' nor ')}`
            );
        }
        /** @type {'v1.x' | 'main'} */
        this.branch = line[0];
        this.written = new Map();
        this.edited = new Map();
    }

    /** @param {string} file relative to the checkout */
    has(file) {
        return this.written.has(file) || existsSync(path.join(this.folder, file));
    }

    /** @param {string} file relative to the checkout */
    read(file) {
        if (!this.has(file)) {
            throw new ApplyError(`${file} is missing in ${this.folder}; this change was made for a checkout that has it`);
        }
        return this.written.get(file) ?? readFileSync(path.join(this.folder, file), 'utf8');
    }

    /**
     * A file that is to be added.
     * @param {string} file relative to the checkout
     * @param {string} text
     */
    add(file, text) {
        if (this.has(file) && this.read(file) !== text) {
            throw new ApplyError(`${file} is there already, with other content; has another version of this change been applied?`);
        }
        this.written.set(file, text);
    }

    /**
     * A source file into which lines are to be inserted.
     * @param {string} file relative to the checkout
     */
    edit(file) {
        const known = this.edited.get(file);
        if (known !== undefined) {
            return known;
        }
        const source = new SourceFile(this.typescript(file), file, this.read(file));
        this.edited.set(file, source);
        return source;
    }

    /**
     * Replaces the text of a file.
     * @param {string} file relative to the checkout
     * @param {string} text
     */
    replace(file, text) {
        this.read(file);
        this.written.set(file, text);
    }

    /** Writes everything. @returns {string[]} the files that were written, relative to the checkout */
    save() {
        for (const [file, source] of this.edited) {
            this.written.set(file, source.result());
        }
        for (const [file, text] of this.written) {
            const target = path.join(this.folder, file);
            mkdirSync(path.dirname(target), { recursive: true });
            writeFileSync(target, text);
        }
        return [...this.written.keys()].sort();
    }

    /** The compiler of the checkout itself, which knows the syntax of its sources. */
    typescript(file) {
        try {
            return createRequire(path.join(this.folder, path.dirname(file), 'x.js'))('typescript');
        } catch (cause) {
            throw new ApplyError(`The dependencies of ${this.folder} are not installed: run \`${installOf(this.branch)}\` there first`, {
                cause
            });
        }
    }
}

/** @param {'v1.x' | 'main'} branch */
export function installOf(branch) {
    return branch === 'main' ? 'pnpm install' : 'npm ci';
}

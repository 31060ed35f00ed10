import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { forkName, forkRoot, upstreamName, upstreamRoot } from './packages.js';

const workspaceRoot = path.resolve(forkRoot, '../..');

export interface Diagnostic {
    /** Path relative to the consumer's folder, or absolute outside of it. */
    file: string;
    line: number;
    code: string;
    message: string;
}

/** A project outside of the workspace that has the built fork, and upstream to compare with, in its node_modules. */
export class Consumer implements Disposable {
    readonly folder = mkdtempSync(path.join(realpathSync(tmpdir()), 'sdk-consumer-'));

    constructor() {
        this.#link(forkName, forkRoot);
        this.#link(upstreamName, upstreamRoot);
        this.#link('@types/node', path.join(workspaceRoot, 'node_modules/@types/node'));
    }

    write(name: string, text: string): void {
        writeFileSync(path.join(this.folder, name), text);
    }

    /** Compiles the named files and returns what the compiler has to say about them. */
    async compile(files: readonly string[], compilerOptions: Record<string, unknown>): Promise<Diagnostic[]> {
        this.write(
            'tsconfig.json',
            JSON.stringify({
                compilerOptions: { noEmit: true, strict: true, target: 'es2022', types: ['node'], ...compilerOptions },
                files
            })
        );
        const tsc = path.join(workspaceRoot, 'node_modules/typescript/bin/tsc');
        const { code, output } = await new Promise<{ code: unknown; output: string }>(resolve => {
            const options = { cwd: this.folder, maxBuffer: 256 * 1024 * 1024 };
            execFile(process.execPath, [tsc, '-p', '.', '--pretty', 'false'], options, (error, stdout, stderr) => {
                resolve({ code: error?.code ?? 0, output: stdout + stderr });
            });
        });
        const diagnostics = [...output.matchAll(/^(\S[^\n]*?)\((\d+),\d+\): error (TS\d+): (.*(?:\n .*)*)$/gm)].map(
            ([, file = '', line = '', diagnostic = '', message = '']) => ({ file, line: Number(line), code: diagnostic, message })
        );
        if (code !== 0 && diagnostics.length === 0) {
            throw new Error(`The compiler failed: ${output}`);
        }
        return diagnostics;
    }

    [Symbol.dispose](): void {
        rmSync(this.folder, { recursive: true, force: true });
    }

    #link(name: string, target: string): void {
        const link = path.join(this.folder, 'node_modules', name);
        mkdirSync(path.dirname(link), { recursive: true });
        symlinkSync(target, link, 'junction');
    }
}

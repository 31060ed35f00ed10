import { spawn } from 'node:child_process';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { workspaceRoot } from '../../src/publishedPackages.ts';

/** Variables that a person's shell has and that have no effect on what a package manager installs. */
const inherited = /^(HOME|USER|PATH|LANG|TMPDIR|TEMP|TMP|SYSTEMROOT|(https?|no)_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR))$/i;

const commandTimeoutMs = 120_000;

/** A project outside of the workspace that a package manager installs dependencies into. */
export class Project {
    readonly folder: string;
    private readonly environment: NodeJS.ProcessEnv;

    /**
     * @param folder where the project is
     * @param commands folders that come before others on the PATH
     * @param environment variables besides those of a shell
     */
    constructor(folder: string, commands: readonly string[], environment: Record<string, string>) {
        this.folder = folder;
        const plain = Object.fromEntries(Object.entries(process.env).filter(([name]) => inherited.test(name)));
        this.environment = { ...plain, ...environment, PATH: [...commands, plain.PATH].join(path.delimiter) };
    }

    async write(name: string, content: string): Promise<void> {
        await mkdir(this.folder, { recursive: true });
        await writeFile(path.join(this.folder, name), content);
    }

    async copy(file: string): Promise<void> {
        await cp(file, path.join(this.folder, path.basename(file)));
    }

    /**
     * Runs shell commands in the project; the first that fails ends it.
     * @returns what they wrote to standard output
     * @throws Error with all that they wrote, if one fails or if they take longer than two minutes.
     */
    async run(commands: string): Promise<string> {
        // A process group of its own, so that whatever the commands have started can be ended with them.
        const child = spawn('sh', ['-ec', commands], {
            cwd: this.folder,
            env: this.environment,
            detached: true,
            stdio: ['ignore', 'pipe', 'pipe']
        });
        let timedOut = false;
        const timer = setTimeout(() => {
            timedOut = true;
            if (child.pid !== undefined) {
                process.kill(-child.pid, 'SIGKILL');
            }
        }, commandTimeoutMs);
        const exited = new Promise<number | null>((resolve, reject) => {
            child.on('error', reject).on('close', resolve);
        });
        try {
            const [code, output, errors] = await Promise.all([exited, text(child.stdout), text(child.stderr)]);
            if (code !== 0) {
                const how = timedOut ? `did not end within ${commandTimeoutMs / 1000} s` : `failed with exit code ${code}`;
                throw new Error(`In ${this.folder} this ${how}:\n${commands}\n${output}${errors}`);
            }
            return output;
        } finally {
            clearTimeout(timer);
        }
    }

    /**
     * Type-checks TypeScript files of the project as Node would load them, with the compiler and the Node types of the workspace.
     * @throws Error with what the compiler has to say, if that is anything.
     */
    async typeCheck(files: readonly string[]): Promise<void> {
        const types = path.join(workspaceRoot, 'node_modules/@types');
        const compilerOptions = { module: 'nodenext', target: 'es2022', strict: true, noEmit: true, skipLibCheck: true };
        await this.write(
            'tsconfig.json',
            JSON.stringify({ compilerOptions: { ...compilerOptions, typeRoots: [types], types: ['node'] }, files })
        );
        await this.run(`node '${path.join(workspaceRoot, 'node_modules/typescript/bin/tsc')}' -p . --pretty false`);
    }
}

import { type ChildProcess as NodeChildProcess, spawn } from 'node:child_process';
import { HarnessError } from '../../errors.ts';

export interface ChildProcessOptions {
    readonly command: readonly string[];
    readonly cwd?: string;
    /** Added to the environment of this process. */
    readonly environment?: Readonly<Record<string, string>>;
    readonly onoutput: (text: string) => void;
}

const running = new Set<ChildProcess>();

// Nothing may outlive this process, however it ends.
process.on('exit', () => {
    for (const child of running) {
        child.signal('SIGKILL');
    }
});

/**
 * A process with all processes that it starts: signals go to all of them, so that what a command wraps (`npx`, `sh -c`) is reached.
 */
export class ChildProcess {
    private readonly child: NodeChildProcess;
    private readonly exit: Promise<{ readonly exitCode: number | undefined }>;
    private hasEnded = false;

    private constructor(child: NodeChildProcess, exit: Promise<{ readonly exitCode: number | undefined }>) {
        this.child = child;
        this.exit = exit;
    }

    /** @throws {HarnessError} if the command can't be run. */
    static async spawn({ command, cwd, environment, onoutput }: ChildProcessOptions): Promise<ChildProcess> {
        const [file = '', ...args] = command;
        const child = spawn(file, args, {
            cwd,
            env: { ...process.env, ...environment },
            stdio: ['ignore', 'pipe', 'pipe'],
            // A process group of its own.
            detached: true
        });
        child.stdout.setEncoding('utf8').on('data', onoutput);
        child.stderr.setEncoding('utf8').on('data', onoutput);
        const exit = new Promise<{ readonly exitCode: number | undefined }>(resolve =>
            child.once('close', exitCode => resolve({ exitCode: exitCode ?? undefined }))
        );
        await new Promise<void>((resolve, reject) => {
            child.once('spawn', resolve);
            child.once('error', cause =>
                reject(new HarnessError(`\`${command.join(' ')}\` could not be run: ${cause.message}`, { cause }))
            );
        });
        const self = new ChildProcess(child, exit);
        running.add(self);
        void exit.then(() => {
            self.hasEnded = true;
            running.delete(self);
        });
        return self;
    }

    get ended(): boolean {
        return this.hasEnded;
    }

    /** Resolves when the process has ended. */
    whenEnded(): Promise<{ readonly exitCode: number | undefined }> {
        return this.exit;
    }

    signal(name: NodeJS.Signals): void {
        if (this.child.pid === undefined || this.hasEnded) {
            return;
        }
        try {
            process.kill(-this.child.pid, name);
        } catch (error) {
            // It may have ended just now.
            if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) {
                throw error;
            }
        }
    }

    /** Ends it at once. */
    async kill(): Promise<void> {
        this.signal('SIGKILL');
        await this.exit;
    }
}

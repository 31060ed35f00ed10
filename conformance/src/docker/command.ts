import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';

/** A command ended badly or not in time. The message says which, and holds the end of what the command wrote. */
export class CommandError extends Error {
    readonly output: string;

    constructor(command: string, reason: string, output: string) {
        const excerpt = output.trim().split('\n').slice(-20).join('\n');
        super(`\`${command}\` ${reason}${excerpt === '' ? '' : `:\n${excerpt}`}`);
        this.name = 'CommandError';
        this.output = output;
    }
}

export interface CommandOptions {
    readonly timeoutMs: number;
    readonly cwd?: string;
    readonly env?: NodeJS.ProcessEnv;
    /** File that is the command's standard input. Default: it is empty. */
    readonly input?: string;
}

/**
 * Runs a command to its end.
 * @returns what it wrote to its standard output, without the line break at the end.
 * @throws {CommandError} if it can't be started, fails, or does not end in time (it is killed then).
 */
export async function run(command: string, args: readonly string[], options: CommandOptions): Promise<string> {
    if (options.input === undefined) {
        return runWith('ignore', command, args, options);
    }
    const input = await open(options.input);
    try {
        return await runWith(input.fd, command, args, options);
    } finally {
        await input.close();
    }
}

function runWith(
    stdin: 'ignore' | number,
    command: string,
    args: readonly string[],
    { timeoutMs, cwd, env }: CommandOptions
): Promise<string> {
    const shown = [command, ...args].join(' ');
    return new Promise((resolve, reject) => {
        let stdout = '';
        let stderr = '';
        const child = spawn(command, args, { cwd, env, stdio: [stdin, 'pipe', 'pipe'], timeout: timeoutMs, killSignal: 'SIGKILL' });
        child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
        child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
        child.on('error', error => reject(new CommandError(shown, `could not be started (${error.message})`, stderr)));
        child.on('close', (code, signal) => {
            if (code === 0) {
                resolve(stdout.trimEnd());
            } else if (signal === null) {
                reject(new CommandError(shown, `failed with exit code ${code ?? 'unknown'}`, stderr || stdout));
            } else {
                reject(new CommandError(shown, `was ended by ${signal} (it has ${timeoutMs / 1000} s)`, stderr || stdout));
            }
        });
    });
}

/** Whether a command succeeds; for questions, such as whether an image exists. */
export async function succeeds(command: string, args: readonly string[], options: CommandOptions): Promise<boolean> {
    try {
        await run(command, args, options);
        return true;
    } catch (error) {
        if (error instanceof CommandError) {
            return false;
        }
        throw error;
    }
}

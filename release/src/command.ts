import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { ReleaseError } from './releaseError.ts';

export interface CommandOptions {
    cwd: string;
    /** What the program reads from its standard input. Default: nothing. */
    input?: string;
    /** Variables besides those of this process; undefined removes one. */
    env?: Record<string, string | undefined>;
}

/**
 * Runs a program and returns what it wrote to its standard output.
 * @throws ReleaseError `COMMAND_FAILED` with all that the program wrote, if it can't be started or fails.
 */
export async function runCommand(program: string, args: readonly string[], { cwd, input = '', env }: CommandOptions): Promise<string> {
    const child = spawn(program, args, { cwd, env: { ...process.env, ...env } });
    const exited = new Promise<number | null>((resolve, reject) => {
        child.on('error', reject).on('close', resolve);
    });
    // A program that ends without having read its input shows in its exit code.
    child.stdin.on('error', () => undefined).end(input);
    const command = [program, ...args].join(' ');
    try {
        const [code, output, errors] = await Promise.all([exited, text(child.stdout), text(child.stderr)]);
        if (code === 0) {
            return output;
        }
        throw new ReleaseError('COMMAND_FAILED', `This command failed with exit code ${code}: ${command}\n${output}${errors}`);
    } catch (error) {
        if (error instanceof ReleaseError) {
            throw error;
        }
        throw new ReleaseError('COMMAND_FAILED', `This command could not be started: ${command}`, { cause: error });
    }
}

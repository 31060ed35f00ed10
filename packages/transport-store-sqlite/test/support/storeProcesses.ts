import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

const script = path.resolve(import.meta.dirname, '../processes/storeProcess.ts');

/** A process that waits for the start of its task, see `storeProcess.ts`. */
export interface StoreProcess {
    /** @returns the lines of the results, when the process has ended. */
    start(): Promise<readonly string[]>;
    /** Calls back with each line of the results. */
    onLine(listener: (line: string) => void): void;
    /** Kills it in the middle of whatever it does. Resolves when it is gone. */
    kill(): Promise<void>;
}

/** Starts a process that is killed at the end of the test if it still runs. Resolves when it is ready. */
export async function startProcess(file: string, task: string, ...parameters: readonly string[]): Promise<StoreProcess> {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, file, task, ...parameters], {
        stdio: ['pipe', 'pipe', 'pipe']
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const ended = end(child);
    const lines = createInterface({ input: child.stdout });
    await Promise.race([once(lines, 'line'), ended.then(() => Promise.reject(new Error('The process ended before it was ready.')))]);
    const results: string[] = [];
    lines.on('line', line => results.push(line));
    return {
        start: async () => {
            child.stdin.end('start\n');
            await ended;
            return results;
        },
        onLine: listener => void lines.on('line', listener),
        kill: async () => {
            child.kill('SIGKILL');
            await ended;
        }
    };
}

/** Runs processes of one task each; they begin together. */
export async function runTogether(
    file: string,
    assignments: readonly (readonly [string, ...string[]])[]
): Promise<readonly (readonly string[])[]> {
    const processes = await Promise.all(assignments.map(([task, ...parameters]) => startProcess(file, task, ...parameters)));
    return Promise.all(processes.map(({ start }) => start()));
}

/** Resolves when a process has ended by itself or was killed; rejects if it failed, with what it wrote about that. */
async function end(child: ChildProcess): Promise<void> {
    let complaints = '';
    child.stderr?.on('data', chunk => (complaints += String(chunk)));
    await once(child, 'close');
    if (child.exitCode !== 0 && child.signalCode !== 'SIGKILL') {
        throw new Error(`A process ended with ${child.exitCode ?? child.signalCode}: ${complaints}`);
    }
}

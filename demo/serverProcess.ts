import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** How long a process may take to start, and to end when it is asked to, in milliseconds. */
const START_MS = 20_000;
const STOP_MS = 5_000;

/** A server in a process of its own. It ends with this one, however this one ends. */
export class ServerProcess {
    readonly name: string;
    private readonly child: ChildProcess;
    private readonly ended: Promise<unknown>;
    private listening: number | undefined;

    /** @param script TypeScript file of the server, which calls `serve`. */
    constructor(name: string, script: string, environment: Readonly<Record<string, string>>) {
        this.name = name;
        this.child = spawn(process.execPath, [script], {
            env: { ...process.env, ...environment, DEMO_NODE: name },
            stdio: ['ignore', 'ignore', 'inherit', 'ipc']
        });
        this.ended = new Promise(resolve => this.child.once('exit', resolve).once('error', resolve));
    }

    /** Waits until the server listens. @throws {Error} if it ends instead, or takes too long. */
    async started(): Promise<void> {
        const ended = this.ended.then(reason => {
            throw new Error(`${this.name} ended (${String(reason)}) before it listened`);
        });
        const message = once(this.child, 'message', { signal: AbortSignal.timeout(START_MS) });
        this.listening = portIn((await Promise.race([message, ended]))[0]);
    }

    get port(): number {
        if (this.listening === undefined) {
            throw new Error(`${this.name} does not listen yet`);
        }
        return this.listening;
    }

    get url(): string {
        return `http://127.0.0.1:${this.port}/mcp`;
    }

    get running(): boolean {
        return this.child.exitCode === null && this.child.signalCode === null;
    }

    /** Ends the process at once, without a chance to say anything. */
    async kill(): Promise<void> {
        this.child.kill('SIGKILL');
        await this.ended;
    }

    /** Lets the process finish what it does. */
    async stop(): Promise<void> {
        this.child.kill('SIGTERM');
        const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS);
        await this.ended;
        clearTimeout(timer);
    }
}

/** @param message address that a server listens on, as it told its parent. */
function portIn(message: unknown): number {
    if (typeof message !== 'object' || message === null || !('port' in message) || typeof message.port !== 'number') {
        throw new Error('A server listens on no TCP port');
    }
    return message.port;
}

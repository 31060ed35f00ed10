import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { GateMessage, NodeConfig, NodeMessage } from './nodeServer.ts';

/** Processes of tests that failed before they ended them must not outlive the test run. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
    for (const child of running) {
        child.kill('SIGKILL');
    }
});

/** A node in a process of its own, see `nodeServer.ts`. */
export class NodeProcess {
    readonly url: string;
    /** Exit code, or signal that ended it. */
    readonly exited: Promise<number | string | null>;
    private readonly child: ChildProcess;
    private readonly arrivals = new Map<string, () => void>();

    private constructor(child: ChildProcess, url: string) {
        this.child = child;
        this.url = url;
        this.exited = new Promise(resolve => {
            child.once('exit', (code, signal) => {
                running.delete(child);
                resolve(code ?? signal);
            });
        });
        child.on('message', (message: NodeMessage) => {
            if ('arrived' in message) {
                this.arrivals.get(message.arrived)?.();
            }
        });
    }

    static async start(config: NodeConfig): Promise<NodeProcess> {
        const script = path.join(import.meta.dirname, 'nodeServer.ts');
        const child = fork(script, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });
        running.add(child);
        child.send(config);
        const ended = once(child, 'exit').then(([code, signal]) => {
            throw new Error(`The node ended instead of starting (${String(code ?? signal)})`);
        });
        const started = new Promise<NodeMessage>(resolve => child.once('message', resolve));
        const message = await Promise.race([started, ended]);
        // From now on its end is no surprise.
        ended.catch(() => undefined);
        if (!('url' in message)) {
            throw new Error('The node did not tell its URL');
        }
        return new NodeProcess(child, message.url);
    }

    /** Resolves when a tool waits at the gate. */
    arrival(gate: string): Promise<void> {
        return new Promise(resolve => {
            this.arrivals.set(gate, resolve);
            this.send({ awaitArrival: gate });
        });
    }

    open(gate: string): void {
        this.send({ open: gate });
    }

    /** Ends the process at once. */
    async kill(): Promise<void> {
        this.child.kill('SIGKILL');
        await this.exited;
    }

    /** Asks the process to end. */
    terminate(): void {
        this.child.kill('SIGTERM');
    }

    freeze(): void {
        this.child.kill('SIGSTOP');
    }

    thaw(): void {
        this.child.kill('SIGCONT');
    }

    private send(message: GateMessage): void {
        if (this.child.connected) {
            this.child.send(message);
        }
    }
}

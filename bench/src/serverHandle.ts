import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { mcpUseFolder } from './mcpUse.ts';
import type { Command, Report, ServerSetup } from './servers/messages.ts';

const servers = path.join(import.meta.dirname, 'servers');
/** Longest wait for a server to do what it was asked, in milliseconds. */
const ANSWER_MS = 120_000;

/** The core for servers, and the one for everything else; the same where there is one only, or nothing to choose them with. */
export const cores = spawnSync('taskset', ['-c', '1', 'true']).status === 0 ? { servers: '0', others: '1' } : undefined;

/** A server in a process of its own, on a core of its own. */
export class ServerHandle {
    readonly port: number;
    private readonly child: ChildProcess;

    private constructor(child: ChildProcess, port: number) {
        this.child = child;
        this.port = port;
    }

    /**
     * Starts a server and waits until it listens.
     * @param nodeOptions further options for Node itself.
     */
    static async start(setup: ServerSetup, nodeOptions: readonly string[] = []): Promise<ServerHandle> {
        const program = setup.implementation === 'mcp-use' ? 'mcpUseProcess.mjs' : 'serverProcess.ts';
        const command = [process.execPath, '--expose-gc', ...nodeOptions, path.join(servers, program)];
        const [file, ...args] = cores === undefined ? command : ['taskset', '-c', cores.servers, ...command];
        const child = spawn(file ?? '', args, {
            // What mcp-use logs of every request is for nobody here.
            stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
            env: {
                ...process.env,
                BENCH_SERVER: JSON.stringify(setup),
                MCP_USE_FOLDER: mcpUseFolder,
                MCP_USE_ANONYMIZED_TELEMETRY: 'false',
                NODE_ENV: 'production',
                NODE_NO_WARNINGS: '1'
            }
        });
        const { port } = await answer(child, 'listening');
        return new ServerHandle(child, port);
    }

    /** CPU time that the process has used so far, in microseconds. */
    async cpuUs(): Promise<number> {
        return (await this.ask('usage')).cpuUs;
    }

    /** Memory in use after a full collection, in bytes, and how many sessions are live. */
    async memory(): Promise<{ readonly bytes: number; readonly liveSessions: number }> {
        return this.ask('memory');
    }

    /** Sends one notification on the standalone stream of every session. */
    async broadcast(): Promise<void> {
        await this.ask('broadcast');
    }

    async stop(): Promise<void> {
        const ended = new Promise(resolve => this.child.once('exit', resolve));
        this.tell('stop');
        await ended;
    }

    private ask<K extends Command['kind'] & Report['kind']>(kind: K): Promise<Extract<Report, { readonly kind: K }>> {
        const answered = answer(this.child, kind);
        this.tell(kind);
        return answered;
    }

    private tell(kind: Command['kind']): void {
        this.child.send({ kind } satisfies Command);
    }
}

function answer<K extends Report['kind']>(child: ChildProcess, kind: K): Promise<Extract<Report, { readonly kind: K }>> {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(
            () => settle(() => reject(new Error(`The server did not answer "${kind}" in ${ANSWER_MS} ms`))),
            ANSWER_MS
        );
        const onmessage = (message: Report): void => {
            if (isOfKind(message, kind)) {
                settle(() => resolve(message));
            }
        };
        const onexit = (code: number | null): void =>
            settle(() => reject(new Error(`The server ended with code ${code} instead of "${kind}"`)));
        const settle = (done: () => void): void => {
            clearTimeout(timer);
            child.off('message', onmessage).off('exit', onexit);
            done();
        };
        child.on('message', onmessage).on('exit', onexit);
    });
}

function isOfKind<K extends Report['kind']>(message: Report, kind: K): message is Extract<Report, { readonly kind: K }> {
    return message.kind === kind;
}

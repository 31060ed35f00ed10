import { EventEmitter, once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from './freePort.js';

/** Stands between a client and a server, and does to their connections what networks do. */
export class TcpProxy {
    readonly #server: Server;
    #target: { readonly host: string; readonly port: number };
    readonly #pairs = new Set<{ readonly client: Socket; readonly server: Socket }>();
    /** Number of pieces of data that servers have answered. */
    answered = 0;
    #answersHeld = false;
    #heldAnswer: (() => void) | undefined;
    #refusing = false;
    readonly #events = new EventEmitter();

    private constructor(
        server: Server,
        readonly port: number,
        target: { readonly host: string; readonly port: number }
    ) {
        this.#server = server;
        this.#target = target;
    }

    static async start(target: { host: string; port: number }): Promise<TcpProxy> {
        const server = createServer();
        const port = await freePort();
        const proxy = new TcpProxy(server, port, target);
        server.on('connection', client => proxy.#join(client, connect(proxy.#target)));
        server.listen(port, '127.0.0.1');
        await once(server, 'listening');
        return proxy;
    }

    get url(): string {
        return `redis://127.0.0.1:${this.port}`;
    }

    /** Number of connections. */
    get size(): number {
        return this.#pairs.size;
    }

    /**
     * From now on the server gets what clients send, but its answers are lost.
     * @returns resolves when there was an answer to lose.
     */
    loseAnswers(): Promise<void> {
        this.#answersHeld = true;
        return new Promise(resolve => {
            this.#heldAnswer = resolve;
        });
    }

    /** Lets answers pass again; those that were lost stay lost. */
    passAnswers(): void {
        this.#answersHeld = false;
    }

    /** From now on takes nothing more from the clients of the present connections. */
    stall(): void {
        for (const { client } of this.#pairs) {
            client.pause();
        }
    }

    /** From now on new connections lead to another server. */
    retarget(target: { readonly host: string; readonly port: number }): void {
        this.#target = target;
    }

    /** Breaks all connections. */
    cut(): void {
        for (const { client, server } of this.#pairs) {
            client.resetAndDestroy();
            server.destroy();
        }
    }

    /** Breaks new connections too, until told otherwise. */
    refuse(refusing: boolean): void {
        this.#refusing = refusing;
    }

    /** Resolves when so many more connections were made. */
    async connections(count: number): Promise<void> {
        await this.#next('connection', count);
    }

    /** Resolves when so many more connections were refused. */
    async refusals(count: number): Promise<void> {
        await this.#next('refusal', count);
    }

    /** Resolves when so many more connections have ended. */
    async closures(count: number): Promise<void> {
        await this.#next('closure', count);
    }

    async #next(event: 'connection' | 'refusal' | 'closure', count: number): Promise<void> {
        for (let seen = 0; seen < count; seen++) {
            await once(this.#events, event);
        }
    }

    async close(): Promise<void> {
        this.cut();
        this.#server.close();
        await once(this.#server, 'close');
    }

    #join(client: Socket, server: Socket): void {
        if (this.#refusing) {
            this.#events.emit('refusal');
            client.resetAndDestroy();
            server.destroy();
            return;
        }
        const pair = { client, server };
        this.#pairs.add(pair);
        this.#events.emit('connection');
        client.on('data', chunk => server.write(chunk));
        server.on('data', chunk => {
            this.answered += 1;
            if (this.#answersHeld) {
                this.#heldAnswer?.();
            } else {
                client.write(chunk);
            }
        });
        for (const [end, otherEnd] of [
            [client, server],
            [server, client]
        ] as const) {
            end.on('error', () => {});
            end.on('close', () => {
                otherEnd.destroy();
                if (this.#pairs.delete(pair)) {
                    this.#events.emit('closure');
                }
            });
        }
    }
}

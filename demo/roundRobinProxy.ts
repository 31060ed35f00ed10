import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream';
import { type Traffic } from './traffic.ts';

/** Where requests can be sent. */
export interface Target {
    readonly name: string;
    readonly port: number;
}

/**
 * A load balancer without affinity: each request goes to the next node. It reads a request before it passes it on, as load balancers
 * do, so that it can try the next node if one can't be connected to; answers are streamed.
 */
export class RoundRobinProxy {
    readonly url: URL;
    private readonly server: Server;
    private readonly targets: Target[];
    private readonly traffic: Traffic;
    private turn = 0;

    private constructor(server: Server, url: URL, targets: readonly Target[], traffic: Traffic) {
        this.server = server;
        this.url = url;
        this.targets = [...targets];
        this.traffic = traffic;
        server.on('request', (req: IncomingMessage, res: ServerResponse) => {
            this.forward(req, res).catch(() => res.destroy());
        });
    }

    static async start(targets: readonly Target[], traffic: Traffic): Promise<RoundRobinProxy> {
        const server = createServer().listen(0, '127.0.0.1');
        await once(server, 'listening');
        const address = server.address();
        if (address === null || typeof address === 'string') {
            throw new Error('The proxy listens on no TCP port');
        }
        return new RoundRobinProxy(server, new URL(`http://127.0.0.1:${address.port}/mcp`), targets, traffic);
    }

    /** Lets turns pass until it is the turn of a node for which the condition holds, as if others had sent requests meanwhile. */
    passTurns(until: (node: string) => boolean): void {
        if (!this.targets.some(({ name }) => until(name))) {
            throw new Error('There is no such node');
        }
        while (!until(this.next().name)) {
            this.turn++;
        }
    }

    /** Puts a node into the place of the one that had its name. */
    replace(target: Target): void {
        this.targets.splice(
            this.targets.findIndex(({ name }) => name === target.name),
            1,
            target
        );
    }

    /** Ends all connections. */
    async close(): Promise<void> {
        const closed = once(this.server, 'close');
        this.server.close();
        this.server.closeAllConnections();
        await closed;
    }

    private next(): Target {
        const target = this.targets[this.turn % this.targets.length];
        if (target === undefined) {
            throw new Error('There are no nodes');
        }
        return target;
    }

    private async forward(req: IncomingMessage, res: ServerResponse): Promise<void> {
        const body = await buffer(req);
        for (let attempt = 1; ; attempt++) {
            const { name, port } = this.next();
            this.turn++;
            const outgoing = request({ host: '127.0.0.1', port, path: req.url, method: req.method, headers: req.headers, agent: false });
            // Whoever goes away is missed by the other side.
            res.once('close', () => outgoing.destroy());
            outgoing.end(body);
            try {
                const answer = await answerOf(outgoing);
                res.writeHead(answer.statusCode ?? 502, answer.headers);
                res.flushHeaders();
                this.traffic.add({
                    what: kindOf(req, body),
                    node: name,
                    status: res.statusCode,
                    cut: () => res.destroy()
                });
                pipeline(answer, res, () => undefined);
                return;
            } catch (error) {
                if (!isRefusedConnection(error) || attempt === this.targets.length) {
                    throw error;
                }
            }
        }
    }
}

function answerOf(outgoing: ReturnType<typeof request>): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
        outgoing.on('response', resolve).on('error', reject);
    });
}

function isRefusedConnection(error: unknown): boolean {
    return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
}

function kindOf(req: IncomingMessage, body: Buffer): string {
    if (req.method !== 'POST') {
        return req.method ?? '';
    }
    const message: unknown = JSON.parse(body.toString());
    return typeof message === 'object' && message !== null && 'method' in message ? String(message.method) : 'reply';
}

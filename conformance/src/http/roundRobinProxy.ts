import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import { mcpUrl } from '../cluster/clusterNode.ts';

/**
 * Sends each request to the next server in turn, without any affinity, for tests that need no container. A request that fails is
 * answered with 502 and not tried elsewhere.
 */
export class RoundRobinProxy {
    readonly url: string;
    private readonly server: Server;

    private constructor(server: Server, url: string) {
        this.server = server;
        this.url = url;
    }

    /** @param targets base URLs of the servers. */
    static async start(targets: readonly string[]): Promise<RoundRobinProxy> {
        let turn = 0;
        const server = createServer((req, res) => {
            const target = targets[turn++ % targets.length];
            forward(req, res, new URL(req.url ?? '/', target));
        });
        await new Promise<void>((resolve, reject) => {
            server.once('error', reject).listen(0, '127.0.0.1', resolve);
        });
        const address = server.address();
        if (address === null || typeof address === 'string') {
            throw new Error('The proxy listens on no TCP port');
        }
        return new RoundRobinProxy(server, mcpUrl(address.port));
    }

    /** Ends all connections. */
    async close(): Promise<void> {
        await new Promise<void>(resolve => {
            this.server.close(() => resolve());
            this.server.closeAllConnections();
        });
    }
}

function forward(req: IncomingMessage, res: ServerResponse, url: URL): void {
    const outgoing = request(url, { method: req.method, headers: req.headers, agent: false }, incoming => {
        res.writeHead(incoming.statusCode ?? 502, incoming.headers);
        res.flushHeaders();
        // An error on one side ends the other, which is how either learns of it.
        pipeline(incoming, res, () => {});
    });
    outgoing.on('error', error => {
        if (res.headersSent) {
            res.destroy();
        } else {
            res.writeHead(502, { 'content-type': 'text/plain' }).end(`${error.message}\n`);
        }
    });
    pipeline(req, outgoing, () => {});
    // A client that goes away must be missed by the server.
    res.on('close', () => outgoing.destroy());
}

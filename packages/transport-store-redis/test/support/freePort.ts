import { createServer } from 'node:net';

/** A port of the loopback interface that nothing listens on, below the range that systems give to outgoing connections. */
export async function freePort(): Promise<number> {
    for (;;) {
        const port = 20_000 + Math.floor(Math.random() * 10_000);
        // Members of a Redis Cluster talk to each other on a second port.
        if ((await isFree(port)) && (await isFree(port + 10_000))) {
            return port;
        }
    }
}

function isFree(port: number): Promise<boolean> {
    return new Promise(resolve => {
        const server = createServer();
        server.once('error', () => resolve(false));
        server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
}

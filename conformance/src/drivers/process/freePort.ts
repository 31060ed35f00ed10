import { createServer } from 'node:net';

/**
 * Ports below those that systems give to outgoing connections: a port that a node has lost for a moment, since it was killed, must not
 * be taken by a connection of the suite.
 */
const lowest = 10_240;
const highest = 32_767;
const attempts = 100;
const given = new Set<number>();

/** A port of the loopback address that nobody listens on, and that is given to nobody else by this process. */
export async function freePort(): Promise<number> {
    for (let attempt = 0; attempt < attempts; attempt++) {
        const port = lowest + Math.floor(Math.random() * (highest - lowest + 1));
        if (!given.has(port) && (await isFree(port))) {
            given.add(port);
            return port;
        }
    }
    throw new Error(`None of ${attempts} ports that were tried is free`);
}

function isFree(port: number): Promise<boolean> {
    return new Promise(resolve => {
        const server = createServer();
        server.once('error', () => resolve(false));
        server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
}

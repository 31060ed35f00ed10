import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { createClient } from 'redis';
import { cores } from './serverHandle.ts';

/** Longest wait for Redis, in milliseconds. */
const START_MS = 10_000;

export interface RunningRedis {
    readonly url: string;
    stop(): Promise<void>;
}

/**
 * The Redis that `REDIS_URL` names, or one that is started for the run and keeps nothing on disk.
 * @throws Error if there is neither.
 */
export async function startRedis(): Promise<RunningRedis> {
    const given = process.env['REDIS_URL'];
    if (given !== undefined) {
        return { url: given, stop: async () => undefined };
    }
    const port = await freePort();
    const command = ['redis-server', '--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const [file, ...args] = cores === undefined ? command : ['taskset', '-c', cores.others, ...command];
    const child = spawn(file ?? '', args, { stdio: 'ignore' });
    const ended = new Promise<void>(resolve => child.once('exit', () => resolve()).once('error', () => resolve()));
    const url = `redis://127.0.0.1:${port}`;
    const client = createClient({ url, socket: { reconnectStrategy: attempts => (attempts * 50 > START_MS ? false : 50) } });
    client.on('error', () => undefined);
    const failed = ended.then(() => {
        throw new Error('There is no Redis: set REDIS_URL, or install the program redis-server');
    });
    try {
        await Promise.race([client.connect(), failed]);
    } finally {
        client.destroy();
        failed.catch(() => undefined);
    }
    return {
        url,
        stop: async () => {
            child.kill();
            await ended;
        }
    };
}

function freePort(): Promise<number> {
    return new Promise((resolve, reject) => {
        const server = createServer();
        server.once('error', reject).listen(0, '127.0.0.1', () => {
            const address = server.address();
            server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
        });
    });
}

import { connect } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { HarnessError } from '../../errors.ts';
import { until } from '../../http/until.ts';
import { ChildProcess } from './childProcess.ts';
import { freePort } from './freePort.ts';

const startTimeoutMs = 15_000;

/** A Redis server of its own, which keeps its data when it is stopped. Needs `redis-server`. */
export class RedisProcess {
    readonly port: number;
    private readonly folder: string;
    private child: ChildProcess | undefined;
    private output = '';

    private constructor(port: number, folder: string) {
        this.port = port;
        this.folder = folder;
    }

    /** @throws {HarnessError} if there is no `redis-server`, or it does not start. */
    static async launch(): Promise<RedisProcess> {
        const redis = new RedisProcess(await freePort(), await mkdtemp(path.join(tmpdir(), 'session-conformance-redis-')));
        try {
            await redis.start();
            return redis;
        } catch (cause) {
            await redis.close();
            const advice = 'Install Redis, so that `redis-server` can be run, or use `--driver container`.';
            throw new HarnessError(`The Redis that the nodes share does not start. ${advice}\n${redis.output}`, { cause });
        }
    }

    async start(): Promise<void> {
        const options = {
            bind: '127.0.0.1',
            port: String(this.port),
            dir: this.folder,
            appendonly: 'yes',
            appendfsync: 'always',
            save: ''
        };
        this.child = await ChildProcess.spawn({
            command: ['redis-server', ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])],
            onoutput: text => (this.output += text)
        });
        await until('Redis to answer', startTimeoutMs, () => ping(this.port));
    }

    /** Ends it. Whoever is connected sees the connection end. */
    async stop(): Promise<void> {
        this.child?.signal('SIGTERM');
        await this.child?.whenEnded();
    }

    async close(): Promise<void> {
        await this.child?.kill();
        await rm(this.folder, { recursive: true, force: true });
    }
}

/** Resolves to `undefined` if the server is ready, else to what it said. */
function ping(port: number): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
        const socket = connect({ host: '127.0.0.1', port });
        socket.setEncoding('utf8').setTimeout(1_000, () => socket.destroy(new Error('no answer')));
        socket.once('error', reject).once('connect', () => socket.write('PING\r\n'));
        socket.once('data', (text: string) => {
            socket.destroy();
            // While it loads its data it answers -LOADING.
            resolve(text.startsWith('+PONG') ? undefined : text.trim());
        });
    });
}

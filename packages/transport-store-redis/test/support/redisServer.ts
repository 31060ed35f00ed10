/** Real Redis servers for tests, also for those of other packages of the workspace. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { StartedTestContainer } from 'testcontainers';
import { freePort } from './freePort.js';

/** A Redis server of a test's own. Its data outlives stopping it, and ends with {@link dispose}. */
export interface RedisServer {
    readonly host: string;
    readonly port: number;
    /** `redis://host:port` */
    readonly url: string;
    /** Shuts the server down in order. */
    stop(): Promise<void>;
    /** Starts the server again, with its data, on the same port. */
    start(): Promise<void>;
    /** Stops the server, and starts it again with its data. */
    restart(): Promise<void>;
    /** Freezes the server: connections stay open, but nothing is answered. */
    pause(): Promise<void>;
    resume(): Promise<void>;
    /** Ends the server and removes its data. */
    dispose(): Promise<void>;
}

/** Redis, as a test that does not care where it comes from gets it. */
export interface TestRedis {
    readonly url: string;
    /** The server, if it is the test's own; absent if the environment gave one, which others may be using. */
    readonly server?: RedisServer;
    /** Ends the server if it is the test's own. */
    dispose(): Promise<void>;
}

/** The image for tests where no server is installed. */
const image = 'redis:7.4-alpine';
/** How long a server may take to answer after its start, in milliseconds. */
const patienceMs = 30_000;

/** Name or path of the server program. Set the environment variable REDIS_SERVER for another one, such as `valkey-server`. */
const program = process.env.REDIS_SERVER ?? 'redis-server';

/** Whether there is a server program to start. */
export function hasRedisProgram(): boolean {
    try {
        execFileSync(program, ['--version'], { stdio: 'ignore' });
        return true;
    } catch {
        return false;
    }
}

/** Takes the server that the environment variable REDIS_URL names, else starts one, see {@link startRedisServer}. */
export async function findRedis(): Promise<TestRedis> {
    const { REDIS_URL: url } = process.env;
    if (url !== undefined && url !== '') {
        return { url, dispose: () => Promise.resolve() };
    }
    const server = await startRedisServer();
    return { url: server.url, server, dispose: () => server.dispose() };
}

/**
 * Starts a server: the installed program if there is one, else a container.
 * @param settings more arguments, such as `['--maxmemory', '10mb']`.
 */
export async function startRedisServer(settings: readonly string[] = []): Promise<RedisServer> {
    return hasRedisProgram() ? startProgram(settings) : startContainer(settings);
}

/** Starts the installed program. */
export async function startProgram(settings: readonly string[] = []): Promise<RedisServer> {
    const folder = await mkdtemp(path.join(tmpdir(), 'mcp-redis-'));
    const server = new ProgramServer(folder, await freePort(), settings);
    try {
        await server.start();
    } catch (error) {
        await server.dispose();
        throw error;
    }
    return server;
}

/** What every server of a test is started with: its data is in a file that is written at each command. */
function commonSettings(port: number, folder: string): string[] {
    const settings = { port, bind: '0.0.0.0', 'protected-mode': 'no', dir: folder, save: '', appendonly: 'yes', loglevel: 'warning' };
    return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

/** Servers of tests that failed before they disposed of them must not outlive the test run. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
    for (const child of running) {
        child.kill('SIGKILL');
    }
});

class ProgramServer implements RedisServer {
    readonly host = '127.0.0.1';
    readonly #folder: string;
    readonly #settings: readonly string[];
    #process: ChildProcess | undefined;

    constructor(
        folder: string,
        readonly port: number,
        settings: readonly string[]
    ) {
        this.#folder = folder;
        this.#settings = settings;
    }

    get url(): string {
        return `redis://${this.host}:${this.port}`;
    }

    async start(): Promise<void> {
        const bind = ['--bind', this.host];
        const child = spawn(program, [...commonSettings(this.port, this.#folder), ...bind, ...this.#settings], {
            stdio: ['ignore', 'pipe', 'inherit']
        });
        this.#process = child;
        running.add(child);
        let output = '';
        child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
        const ended = once(child, 'exit').then(() => {
            throw new Error(`${program} ended instead of starting:\n${output}`);
        });
        await Promise.race([answering(this.host, this.port), ended]);
        // From now on its end is no surprise.
        ended.catch(() => {});
    }

    async stop(): Promise<void> {
        const child = this.#process;
        if (child === undefined) {
            return;
        }
        this.#process = undefined;
        const exit = once(child, 'exit');
        // A frozen process would never get the other signal.
        child.kill('SIGCONT');
        child.kill('SIGTERM');
        await exit;
        running.delete(child);
    }

    async restart(): Promise<void> {
        await this.stop();
        await this.start();
    }

    async pause(): Promise<void> {
        this.#process?.kill('SIGSTOP');
    }

    async resume(): Promise<void> {
        this.#process?.kill('SIGCONT');
    }

    async dispose(): Promise<void> {
        await this.stop();
        await rm(this.#folder, { recursive: true, force: true });
    }
}

/** Starts a container, on a port that stays the same when the container is restarted. */
async function startContainer(settings: readonly string[]): Promise<RedisServer> {
    const { GenericContainer, getContainerRuntimeClient } = await import('testcontainers');
    const port = await freePort();
    const started = await new GenericContainer(image)
        .withExposedPorts({ container: 6379, host: port })
        .withCommand(['redis-server', ...commonSettings(6379, '/data'), ...settings])
        .start();
    const runtime = await getContainerRuntimeClient();
    const server = new ContainerServer(started, port, runtime.container.getById(started.getId()));
    await answering(server.host, server.port);
    return server;
}

interface ContainerControl {
    start(): Promise<unknown>;
    stop(): Promise<unknown>;
    pause(): Promise<unknown>;
    unpause(): Promise<unknown>;
}

class ContainerServer implements RedisServer {
    readonly #started: StartedTestContainer;
    readonly #control: ContainerControl;

    constructor(
        started: StartedTestContainer,
        readonly port: number,
        control: ContainerControl
    ) {
        this.#started = started;
        this.#control = control;
    }

    get host(): string {
        return this.#started.getHost();
    }

    get url(): string {
        return `redis://${this.host}:${this.port}`;
    }

    async start(): Promise<void> {
        await this.#control.start();
        await answering(this.host, this.port);
    }

    async stop(): Promise<void> {
        await this.#control.stop();
    }

    async restart(): Promise<void> {
        await this.stop();
        await this.start();
    }

    async pause(): Promise<void> {
        await this.#control.pause();
    }

    async resume(): Promise<void> {
        await this.#control.unpause();
    }

    async dispose(): Promise<void> {
        await this.#started.stop();
    }
}

/** Resolves when a server has loaded its data and answers. */
async function answering(host: string, port: number): Promise<void> {
    const deadline = Date.now() + patienceMs;
    while ((await answerToPing(host, port)) !== '+PONG\r\n') {
        if (Date.now() > deadline) {
            throw new Error(`The Redis server at ${host}:${port} did not answer within ${patienceMs} ms.`);
        }
        await delay(20);
    }
}

function answerToPing(host: string, port: number): Promise<string | undefined> {
    return new Promise(resolve => {
        const socket = connect({ host, port, timeout: 1_000 });
        const end = (answer?: string) => {
            socket.destroy();
            resolve(answer);
        };
        socket.once('connect', () => socket.write('PING\r\n'));
        socket.once('data', chunk => end(chunk.toString()));
        socket.once('error', () => end());
        socket.once('timeout', () => end());
        socket.once('close', () => end());
    });
}

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Fault } from '../../manifest/requirement.ts';
import { FaultNotAvailableError } from '../../errors.ts';
import { RedisProcess } from './redisProcess.ts';
import { TcpGate } from './tcpGate.ts';

/** What nodes that are processes share. */
export interface ProcessStore {
    /** What can be done to it. */
    readonly faults: readonly Fault[];
    /** A node's own way to it. */
    connectNode(): Promise<{ readonly storeUrl: string; readonly gate: TcpGate | undefined }>;
    stop(): Promise<void>;
    start(): Promise<void>;
    close(): Promise<void>;
}

/** @param store `memory`, `sqlite`, `redis`, or the URL of a server that runs already. */
export async function openProcessStore(store: string): Promise<ProcessStore> {
    switch (store) {
        case 'memory':
            return new NoStore('memory:', () => Promise.resolve());
        case 'sqlite': {
            const folder = await mkdtemp(path.join(tmpdir(), 'session-conformance-sqlite-'));
            return new NoStore(`sqlite://${folder}/sessions.db`, () => rm(folder, { recursive: true, force: true }));
        }
        case 'redis':
            return new OwnRedis(await RedisProcess.launch());
        default:
            return new ForeignServer(new URL(store));
    }
}

/** Memory, or a file: nothing that could be taken away from a process. */
class NoStore implements ProcessStore {
    readonly faults = [];
    private readonly storeUrl: string;
    private readonly remove: () => Promise<void>;

    constructor(storeUrl: string, remove: () => Promise<void>) {
        this.storeUrl = storeUrl;
        this.remove = remove;
    }

    connectNode(): Promise<{ readonly storeUrl: string; readonly gate: undefined }> {
        return Promise.resolve({ storeUrl: this.storeUrl, gate: undefined });
    }

    stop(): Promise<void> {
        return Promise.reject(new FaultNotAvailableError('stop-store', `${this.storeUrl} is no server`));
    }

    start(): Promise<void> {
        return this.stop();
    }

    close(): Promise<void> {
        return this.remove();
    }
}

class OwnRedis implements ProcessStore {
    readonly faults = ['cut-store', 'stop-store'] as const;
    private readonly redis: RedisProcess;
    private readonly gates: TcpGate[] = [];

    constructor(redis: RedisProcess) {
        this.redis = redis;
    }

    async connectNode(): Promise<{ readonly storeUrl: string; readonly gate: TcpGate }> {
        const gate = await TcpGate.start({ host: '127.0.0.1', port: this.redis.port });
        this.gates.push(gate);
        return { storeUrl: `redis://127.0.0.1:${gate.port}/0`, gate };
    }

    stop(): Promise<void> {
        return this.redis.stop();
    }

    start(): Promise<void> {
        return this.redis.start();
    }

    async close(): Promise<void> {
        await Promise.all(this.gates.map(gate => gate.close()));
        await this.redis.close();
    }
}

const defaultPorts: Readonly<Record<string, number>> = { 'redis:': 6379, 'rediss:': 6379, 'postgres:': 5432, 'postgresql:': 5432 };

/** A server that somebody else runs. It can't be stopped, but the ways to it can be closed, which is the same for the nodes. */
class ForeignServer implements ProcessStore {
    readonly faults = ['cut-store', 'stop-store'] as const;
    private readonly url: URL;
    private readonly gates: TcpGate[] = [];

    constructor(url: URL) {
        this.url = url;
    }

    async connectNode(): Promise<{ readonly storeUrl: string; readonly gate: TcpGate }> {
        const { hostname, port, protocol } = this.url;
        const gate = await TcpGate.start({ host: hostname, port: port === '' ? (defaultPorts[protocol] ?? 0) : Number(port) });
        this.gates.push(gate);
        const url = new URL(this.url);
        url.hostname = '127.0.0.1';
        url.port = String(gate.port);
        return { storeUrl: url.href, gate };
    }

    stop(): Promise<void> {
        this.gates.forEach(gate => gate.shut());
        return Promise.resolve();
    }

    start(): Promise<void> {
        this.gates.forEach(gate => gate.open());
        return Promise.resolve();
    }

    async close(): Promise<void> {
        await Promise.all(this.gates.map(gate => gate.close()));
    }
}

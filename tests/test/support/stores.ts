import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { InMemoryTransportStore } from '@modelcontextprotocol/sdk/server/inMemoryTransportStore.js';
import type { TransportStore } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { RedisTransportStore } from '@modelcontextprotocol/transport-store-redis';
import { SqliteTransportStore } from '@modelcontextprotocol/transport-store-sqlite';
import { createClient } from 'redis';
import { findRedis } from '../../../packages/transport-store-redis/test/support/redisServer.ts';

/** A store that the nodes of one test share, empty at first. */
export interface SharedStore {
    /** What one node is given: a handle of its own, where the store has such. */
    handle(): Promise<TransportStore>;
    /** Closes the handles. */
    close(): Promise<void>;
}

/** What stores of one kind live in: nothing, a folder, a server. Started once for many tests. */
export interface StoreBackend {
    fresh(): SharedStore;
    stop(): Promise<void>;
}

export interface StoreKind {
    readonly name: string;
    start(): Promise<StoreBackend>;
}

const memory: StoreKind = {
    name: 'memory',
    start: () =>
        Promise.resolve({
            fresh: () => {
                const store = new InMemoryTransportStore();
                return { handle: () => Promise.resolve(store), close: () => Promise.resolve() };
            },
            stop: () => Promise.resolve()
        })
};

const sqlite: StoreKind = {
    name: 'SQLite',
    start: async () => {
        const folder = await mkdtemp(path.join(tmpdir(), 'mcp-session-tests-'));
        return {
            fresh: () => {
                const file = path.join(folder, `${randomUUID()}.db`);
                const handles: SqliteTransportStore[] = [];
                return {
                    handle: () => {
                        const handle = new SqliteTransportStore(file);
                        handles.push(handle);
                        return Promise.resolve(handle);
                    },
                    close: async () => {
                        await Promise.all(handles.map(handle => handle.close()));
                    }
                };
            },
            stop: () => rm(folder, { recursive: true, force: true })
        };
    }
};

const redis: StoreKind = {
    name: 'Redis',
    start: async () => {
        const { url, dispose } = await findRedis();
        return { fresh: () => redisAt(url), stop: dispose };
    }
};

/** A store in the Redis server at a URL, under keys of its own. */
export function redisAt(url: string, keyPrefix = `mcp-test-${randomUUID()}:`): SharedStore {
    const close: (() => void)[] = [];
    return {
        handle: async () => {
            const client = createClient({ url, socket: { reconnectStrategy: () => 50 } });
            // The store reports what it means for its operations.
            client.on('error', () => undefined);
            await client.connect();
            close.push(() => client.destroy());
            return new RedisTransportStore(client, { keyPrefix });
        },
        close: () => {
            close.forEach(end => end());
            return Promise.resolve();
        }
    };
}

/** Every store whose nodes can share sessions, for `describe.each`. */
export const stores: readonly StoreKind[] = [memory, sqlite, redis];

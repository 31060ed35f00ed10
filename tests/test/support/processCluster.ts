import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TransportStore } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { SqliteTransportStore } from '@modelcontextprotocol/transport-store-sqlite';
import { onTestFinished } from 'vitest';
import { startProgram, type RedisServer } from '../../../packages/transport-store-redis/test/support/redisServer.ts';
import { TcpProxy } from '../../../packages/transport-store-redis/test/support/tcpProxy.ts';
import { NodeProcess } from './nodeProcess.ts';
import type { NodeConfig, StorePlace } from './nodeServer.ts';
import { redisAt } from './stores.ts';

/** A store that processes share, for one test. It ends with the test. */
export interface ProcessStore {
    /** Where the node with this index finds it. */
    placeOf(node: number): Promise<StorePlace>;
    /** A handle of the test's own. */
    handle(): Promise<TransportStore>;
}

export interface ProcessStoreKind {
    readonly name: string;
    open(): Promise<ProcessStore>;
}

const sqlite: ProcessStoreKind = {
    name: 'SQLite',
    open: async () => {
        const folder = await mkdtemp(path.join(tmpdir(), 'mcp-process-tests-'));
        onTestFinished(() => rm(folder, { recursive: true, force: true }));
        const file = path.join(folder, 'store.db');
        return {
            placeOf: () => Promise.resolve({ kind: 'sqlite', file }),
            handle: () => {
                const store = new SqliteTransportStore(file);
                onTestFinished(() => store.close());
                return Promise.resolve(store);
            }
        };
    }
};

/** Redis, of the test's own, with a network between it and each node. */
export interface RedisForProcesses extends ProcessStore {
    readonly server: RedisServer;
    /** The network between a node and Redis. */
    networkOf(node: number): Promise<TcpProxy>;
}

export async function openRedis(): Promise<RedisForProcesses> {
    const server = await startProgram();
    onTestFinished(() => server.dispose());
    const keyPrefix = `mcp-test-${randomUUID()}:`;
    const networks = new Map<number, Promise<TcpProxy>>();
    const networkOf = (node: number): Promise<TcpProxy> => {
        let network = networks.get(node);
        if (network === undefined) {
            network = TcpProxy.start(server).then(proxy => {
                onTestFinished(() => proxy.close());
                return proxy;
            });
            networks.set(node, network);
        }
        return network;
    };
    return {
        server,
        networkOf,
        placeOf: async node => ({ kind: 'redis', url: (await networkOf(node)).url, keyPrefix }),
        handle: () => {
            const shared = redisAt(server.url, keyPrefix);
            onTestFinished(() => shared.close());
            return shared.handle();
        }
    };
}

const redis: ProcessStoreKind = { name: 'Redis', open: openRedis };

/** Every store that processes can share, for `describe.each`. */
export const processStores: readonly ProcessStoreKind[] = [sqlite, redis];

/** Starts a process for a node. It ends with the test. */
export async function startNode(store: ProcessStore, index: number, options: NodeConfig['options'] = {}, port = 0): Promise<NodeProcess> {
    const node = await NodeProcess.start({ name: `node-${index + 1}`, store: await store.placeOf(index), options, port });
    onTestFinished(() => node.kill());
    return node;
}

export function startNodes(store: ProcessStore, options: NodeConfig['options'] = {}): Promise<[NodeProcess, NodeProcess, NodeProcess]> {
    return Promise.all([startNode(store, 0, options), startNode(store, 1, options), startNode(store, 2, options)]);
}

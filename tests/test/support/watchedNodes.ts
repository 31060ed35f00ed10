import type { TransportStore } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { TestCluster, type ClusterOptions, type TestNode } from './cluster.ts';
import { stores, type SharedStore, type StoreBackend, type StoreKind } from './stores.ts';
import { WatchedStore, type StoreCapabilities } from './watchedStore.ts';

/** Three nodes that share a store, with a watch on what each says to it. */
export interface WatchedNodes {
    readonly cluster: TestCluster;
    readonly nodes: readonly [TestNode, TestNode, TestNode];
    /** Where the nodes are. */
    readonly urls: readonly [string, string, string];
    /** Each node's own handle on the store. */
    readonly stores: readonly [WatchedStore, WatchedStore, WatchedStore];
    /** A handle that no node uses. */
    readonly store: TransportStore;
}

export interface WatchedNodesOptions extends Omit<ClusterOptions, 'storeOf' | 'store'> {
    /** Optional parts of the store that the nodes see. Default: all. */
    readonly capabilities?: StoreCapabilities;
}

export type StartNodes = (options?: WatchedNodesOptions) => Promise<WatchedNodes>;

/**
 * Defines the tests of a rule, for each of some kinds of store. Nodes that a test starts end with it.
 * @param kinds by default all.
 */
export function describeOnStores(
    rule: string,
    define: (start: StartNodes, kind: StoreKind) => void,
    kinds: readonly StoreKind[] = stores
): void {
    describe.each(kinds)(`${rule} [$name]`, kind => {
        let backend: StoreBackend;
        const started: { cluster: TestCluster; shared: SharedStore; watched: readonly WatchedStore[] }[] = [];

        beforeAll(async () => {
            backend = await kind.start();
        });

        afterEach(async () => {
            for (const { cluster, shared, watched } of started.splice(0)) {
                watched.forEach(store => store.letPass());
                await cluster.close();
                await shared.close();
            }
        });

        afterAll(() => backend.stop());

        define(async ({ capabilities, ...options } = {}) => {
            const shared = backend.fresh();
            const handle = async (): Promise<WatchedStore> => new WatchedStore(await shared.handle(), capabilities);
            const watched = [await handle(), await handle(), await handle()] as const;
            const cluster = await TestCluster.start(3, { ...options, storeOf: node => watched[node] ?? handle() });
            started.push({ cluster, shared, watched });
            const nodes = [cluster.node(0), cluster.node(1), cluster.node(2)] as const;
            const urls = [nodes[0].url, nodes[1].url, nodes[2].url] as const;
            return { cluster, nodes, urls, stores: watched, store: await shared.handle() };
        }, kind);
    });
}

/** For rules that do not depend on the store. */
export const memoryOnly: readonly StoreKind[] = stores.filter(({ name }) => name === 'memory');

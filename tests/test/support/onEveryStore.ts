import type { TransportStore } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { TestCluster, type ClusterOptions } from './cluster.ts';
import { ControlledStore } from './controlledStore.ts';
import { stores, type SharedStore, type StoreBackend, type StoreKind } from './stores.ts';

/** Nodes that share a store, as {@link onEveryStore} starts them. */
export interface StartedCluster {
    readonly cluster: TestCluster;
    /** Where the nodes are, in the order of their names. */
    readonly urls: readonly [string, string, string];
    /** Each node's way to the store. */
    readonly ways: readonly ControlledStore[];
    /** A further handle on the store, for what a test does to it behind the nodes' backs. */
    readonly store: ControlledStore;
}

export type StartCluster = (options?: ClusterOptions) => Promise<StartedCluster>;

/** Defines tests for every kind of store. Each test starts three nodes of its own, which end with it. */
export function onEveryStore(rule: string, define: (start: StartCluster, kind: StoreKind) => void): void {
    describe.each(stores)(`${rule} [$name]`, kind => {
        let backend: StoreBackend;
        const started: { cluster: TestCluster; shared: SharedStore; ways: ControlledStore[] }[] = [];

        beforeAll(async () => {
            backend = await kind.start();
        });

        afterEach(async () => {
            for (const { cluster, shared, ways } of started.splice(0)) {
                ways.forEach(way => way.mend());
                await cluster.close();
                await shared.close();
            }
        });

        afterAll(() => backend.stop());

        define(async options => {
            const shared = backend.fresh();
            const ways: ControlledStore[] = [];
            const storeOf = async (): Promise<ControlledStore> => {
                const way = new ControlledStore(complete(await shared.handle()));
                ways.push(way);
                return way;
            };
            const cluster = await TestCluster.start(3, { storeOf, ...options });
            started.push({ cluster, shared, ways });
            const [a, b, c] = [0, 1, 2].map(index => cluster.node(index).url);
            return { cluster, urls: [a ?? '', b ?? '', c ?? ''], ways: ways.slice(), store: await storeOf() };
        }, kind);
    });
}

function complete(store: TransportStore): Required<TransportStore> {
    const { sessions, streams, inboxes } = store;
    if (!streams || !inboxes) {
        throw new Error('This store has no event streams or no inboxes');
    }
    return { sessions, streams, inboxes, ping: () => store.ping() };
}

import { type StoreBackend, registerTransportStoreContract } from '@modelcontextprotocol/transport-store-contract';
import { createClient, createCluster } from 'redis';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { RedisTransportStore } from '../src/index.js';
import { absenceOfProgram, absenceOfServer, titled } from './support/availability.js';
import { type RedisClusterServers, startRedisCluster } from './support/redisCluster.js';
import { findRedis, type TestRedis } from './support/redisServer.js';
import { freshPrefix } from './support/stores.js';

const capabilities = ['streams', 'inboxes'] as const;
/** So that the cases about a restart take no longer than they must. */
const socket = { reconnectStrategy: () => 20 };

describe.skipIf(absenceOfServer)(titled('with one Redis server', absenceOfServer), () => {
    let redis: TestRedis;
    const keyPrefix = freshPrefix();

    beforeAll(async () => {
        redis = await findRedis();
    });
    afterAll(() => redis.dispose());

    const backend: StoreBackend = {
        capabilities,
        open: async () => {
            const client = createClient({ url: redis.url, socket });
            client.on('error', () => {});
            await client.connect();
            return { store: new RedisTransportStore(client, { keyPrefix }), close: async () => client.destroy() };
        }
    };
    const restart = async (whileDown: () => Promise<void>) => {
        await redis.server?.stop();
        await whileDown();
        await redis.server?.start();
    };
    // A server that the environment gives is not ours to stop.
    registerTransportStoreContract({ describe, test }, process.env.REDIS_URL ? backend : { ...backend, restart });
});

describe.skipIf(absenceOfProgram)(titled('with a Redis Cluster', absenceOfProgram), () => {
    let servers: RedisClusterServers;

    beforeAll(async () => {
        servers = await startRedisCluster();
    });
    afterAll(() => servers.dispose());

    registerTransportStoreContract(
        { describe, test },
        {
            capabilities,
            open: async () => {
                const cluster = createCluster({ rootNodes: servers.rootNodes, defaults: { socket } });
                cluster.on('error', () => {});
                await cluster.connect();
                return { store: new RedisTransportStore(cluster), close: async () => cluster.destroy() };
            },
            restart: whileDown => servers.restart(whileDown)
        }
    );
});

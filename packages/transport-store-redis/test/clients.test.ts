import { createClient, createCluster, createSentinel, defineScript } from 'redis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { RedisTransportStore } from '../src/index.js';
import { absenceOfServer, titled } from './support/availability.js';
import { findRedis, type TestRedis } from './support/redisServer.js';
import { freshPrefix, keepAll, longMs, newSession, signal } from './support/stores.js';

const script = defineScript({ SCRIPT: 'return 1', NUMBER_OF_KEYS: 0, parseCommand() {}, transformReply: () => 1 });

describe.skipIf(absenceOfServer)(titled('clients of any make are accepted', absenceOfServer), () => {
    let redis: TestRedis;

    beforeAll(async () => {
        redis = await findRedis();
    });
    afterAll(() => redis.dispose());

    test.each([
        ['with the protocol RESP2', () => createClient({ url: redis.url, RESP: 2 })],
        ['with the protocol RESP3', () => createClient({ url: redis.url, RESP: 3 })],
        [
            'with replies mapped to buffers',
            () => createClient({ url: redis.url, commandOptions: { typeMapping: { 36: Buffer, 43: Buffer } } })
        ],
        ['with scripts and a prefix of its own', () => createClient({ url: redis.url, scripts: { script }, keyPrefix: 'other:' })],
        ['with a socket timeout', () => createClient({ url: redis.url, pingInterval: 100, socket: { socketTimeout: 400 } })],
        ['without socket options', () => createClient(hostOf(redis.url))],
        ['with options of commands', () => createClient({ url: redis.url }).withTypeMapping({ 36: Buffer })]
    ])('%s', async (_name, create) => {
        const client = create();
        client.on('error', () => {});
        await client.connect();
        onTestFinished(() => client.destroy());
        const store = new RedisTransportStore(client, { keyPrefix: freshPrefix() });

        await store.sessions.create('s', newSession({ state: { a: '1' }, node: 'n' }));
        expect(await store.sessions.open('s', { ttlMs: longMs })).toEqual({
            status: 'ok',
            session: { record: 'record', state: { a: '1' }, revision: 1 }
        });
        expect(await store.sessions.nodes('s')).toEqual(['n']);
        await store.streams.publish('s', 'p', ['event'], keepAll);
        expect(await store.streams.read('s', 'p', undefined, 10)).toMatchObject({ events: [{ data: 'event' }] });

        await store.inboxes.join('n', longMs);
        expect(await store.inboxes.alive(['n', 'other'])).toEqual(['n']);
        const delivered = signal<readonly string[]>();
        const errors: Error[] = [];
        const subscription = await store.inboxes.receive('n', delivered.resolve, error => errors.push(error));
        // Longer than Redis holds an answer back, and than the socket timeout.
        await new Promise(resolve => setTimeout(resolve, 1_200));
        await store.inboxes.send('n', ['message']);
        expect(await delivered.promise).toEqual(['message']);
        expect(errors).toEqual([]);
        await subscription.close();
    });

    function hostOf(url: string) {
        const { hostname, port } = new URL(url);
        return { socket: { host: hostname, port: Number(port) } };
    }
});

describe('the types', () => {
    test('accept clusters of any make', () => {
        const rootNodes = [{ url: 'redis://127.0.0.1:1' }];
        for (const cluster of [
            new RedisTransportStore(createCluster({ rootNodes })),
            new RedisTransportStore(createCluster({ rootNodes, RESP: 2, scripts: { script } })),
            new RedisTransportStore(
                createCluster({ rootNodes, defaults: { password: 'secret' }, commandOptions: { typeMapping: { 36: Buffer } } })
            )
        ]) {
            expect(cluster.inboxes).toBeDefined();
        }
    });

    test('refuse a pool, which has no connection of one server to make others after', () => {
        const pool = createClient().createPool();
        // @ts-expect-error It is no client of one server, nor of a cluster.
        expect(() => new RedisTransportStore(pool)).toThrow(expect.objectContaining({ code: 'STORE_MISUSED' }));
    });

    test('refuse a client of Sentinel, which takes commands in another way', () => {
        const sentinel = createSentinel({ name: 'mymaster', sentinelRootNodes: [{ host: '127.0.0.1', port: 1 }] });
        // @ts-expect-error It is no client of one server, nor of a cluster.
        expect(() => new RedisTransportStore(sentinel)).toThrow(/not of a pool or of Sentinel/);
    });
});

import { setTimeout as delay } from 'node:timers/promises';
import { type StreamRetention, TransportStoreError } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { RedisTransportStore } from '../src/index.js';
import { absenceOfServer, titled } from './support/availability.js';
import { findRedis, type TestRedis } from './support/redisServer.js';
import { eventsOf, keepAll, longMs, newSession, openStore, type OpenStore, storeErrorOf } from './support/stores.js';

describe.skipIf(absenceOfServer)(titled('bounds', absenceOfServer), () => {
    let redis: TestRedis;
    let opened: OpenStore;

    beforeAll(async () => {
        redis = await findRedis();
    });
    beforeEach(async () => {
        opened = await openStore(redis.url, { maxStreamsPerSession: 200 });
        await opened.store.sessions.create('s', newSession());
        return () => opened.close();
    });
    afterAll(() => redis.dispose());

    async function writeStreams(name: string, count: number, options: StreamRetention & { close?: boolean } = keepAll): Promise<void> {
        const { streams } = opened.store;
        await Promise.all(Array.from({ length: count }, (_, index) => streams.append('s', `${name}${index}`, eventsOf(1), options)));
    }

    async function statusOf(streamId: string): Promise<string> {
        return (await opened.store.streams.read('s', streamId, undefined, 10)).status;
    }

    /** Names of the streams that something is known of. */
    async function namesOfStreams(): Promise<string[]> {
        const fields = await opened.client.hKeys(opened.keys.streams('s'));
        const names = new Set(fields.filter(field => field.includes(':')).map(field => field.slice(2)));
        expect(new Set(await opened.client.zRange(opened.keys.order('s'), 0, -1))).toEqual(names);
        return [...names];
    }

    async function keysOfEvents(): Promise<number> {
        const keys = await opened.client.keys(`${opened.keyPrefix}*`);
        return keys.filter(key => key.startsWith(opened.keys.events('s', ''))).length;
    }

    describe('of the streams of a session', () => {
        test('as many are kept as the option says, with all their keys', async () => {
            await writeStreams('x', 1_000);
            expect(await keysOfEvents()).toBe(200);
            expect(await namesOfStreams()).toHaveLength(200);
            expect(await statusOf('x999')).toBe('ok');
            expect(await statusOf('x0')).toBe('unknown');
        });

        test('closed ones go before open ones, and held ones last', async () => {
            const { streams } = opened.store;
            await streams.append('s', 'held', eventsOf(1), keepAll);
            await streams.hold('s', 'held', 'holder');
            await streams.append('s', 'open', eventsOf(1), keepAll);
            await writeStreams('closed', 300, { ...keepAll, close: true });
            expect(await namesOfStreams()).toHaveLength(200);
            expect(await statusOf('open')).toBe('ok');
            expect(await statusOf('closed0')).toBe('unknown');

            await writeStreams('more', 600);
            expect(await statusOf('open')).toBe('unknown');
            expect(await statusOf('held')).toBe('ok');
        });

        test.each([true, false])('streams whose time is over are forgotten as new ones come, closed: %s', async close => {
            await writeStreams('short', 100, { ...keepAll, ttlMs: 1, close });
            // The server's clock has moved on when a stream with the same lifetime is gone.
            while ((await statusOf('short99')) !== 'unknown') {
                await delay(1);
            }
            await writeStreams('long', 60);
            expect((await namesOfStreams()).filter(name => name.startsWith('short'))).toEqual([]);
            expect(await statusOf('long0')).toBe('ok');
        });

        test('a few are remembered after their time, for exact answers to readers who come late', async () => {
            const { streams } = opened.store;
            await writeStreams('short', 10, { ...keepAll, ttlMs: 1 });
            while ((await statusOf('short9')) !== 'unknown') {
                await delay(1);
            }
            await streams.append('s', 'short0', eventsOf(2), keepAll);
            expect(await streams.read('s', 'short0', '0', 10)).toEqual({ status: 'trimmed' });
            expect(await streams.read('s', 'short0', '1', 10)).toMatchObject({ status: 'ok', events: [{ position: '2' }] });
        });

        test('holding streams that nobody writes is bounded too', async () => {
            for (let index = 0; index < 500; index++) {
                await opened.store.streams.hold('s', `h${index}`, 'holder');
            }
            expect(await namesOfStreams()).toHaveLength(200);
            expect(await opened.store.streams.hold('s', 'h499', 'next')).toMatchObject({ previous: 'holder' });
        });

        test('a hold that ends leaves nothing of a stream that nobody has written', async () => {
            await opened.store.streams.hold('s', 'h', 'holder');
            await opened.store.streams.release('s', 'h', 'holder');
            expect(await opened.client.keys(`${opened.keyPrefix}*`)).toEqual([opened.keys.session('s')]);
        });

        test('who has a position in a stream that was forgotten is told so, when it is written again', async () => {
            const { streams } = opened.store;
            await streams.append('s', 'old', eventsOf(1, 2), keepAll);
            await writeStreams('x', 1_000);
            expect(await statusOf('old')).toBe('unknown');

            await streams.append('s', 'old', eventsOf(3), keepAll);
            expect(await streams.read('s', 'old', '1', 10)).toEqual({ status: 'trimmed' });
            expect(await streams.read('s', 'old', '3', 10)).toMatchObject({ status: 'ok', events: [] });
        });
    });

    test('events of a stream are trimmed to the number that is asked for, or a tenth more', async () => {
        const { streams } = opened.store;
        for (let number = 0; number < 1_000; number++) {
            await streams.append('s', 'x', eventsOf(number), { ttlMs: longMs, maxEvents: 50 });
            expect(await opened.client.xLen(opened.keys.events('s', 'x'))).toBeLessThanOrEqual(55);
        }
        // The newest that is lost is the one before the oldest that is kept.
        const kept = await streams.read('s', 'x', undefined, 100);
        const oldest = Number(kept.status === 'ok' ? kept.events[0]?.position : NaN);
        expect(await streams.read('s', 'x', String(oldest - 1), 1)).toMatchObject({ status: 'ok', events: [{ position: String(oldest) }] });
        expect(await streams.read('s', 'x', String(oldest - 2), 1)).toEqual({ status: 'trimmed' });
    });

    test('published events are trimmed by age', async () => {
        const { streams } = opened.store;
        const retention = { ttlMs: 500, maxEvents: 1_000_000 };
        // Redis trims by age in lots of a hundred events.
        await streams.publish(
            's',
            'p',
            Array.from({ length: 500 }, (_, index) => String(index)),
            retention
        );
        const oldest = async () => {
            const read = await streams.read('s', 'p', undefined, 1);
            return read.status === 'ok' ? read.events[0]?.data : undefined;
        };
        while ((await oldest()) === '0') {
            await streams.publish('s', 'p', ['keeps the stream alive'], retention);
        }
        expect(await oldest()).toBeDefined();
    });

    test('the nodes of a session are bounded: those that opened it last are known', async () => {
        const { sessions } = opened.store;
        for (let index = 0; index < 1_100; index++) {
            await sessions.open('s', { ttlMs: longMs, node: `n${index}` });
        }
        const nodes = await sessions.nodes('s');
        expect(nodes).toHaveLength(1_024);
        expect(nodes).toContain('n1099');
        expect(nodes).not.toContain('n0');
    });

    test('deleting a session leaves nothing but a note for seconds', async () => {
        await opened.store.streams.hold('s', 'x0', 'holder');
        await writeStreams('x', 100);
        await opened.store.sessions.delete('s', {});
        const left = await opened.client.keys(`${opened.keyPrefix}*`);
        expect(left).toEqual([opened.keys.deletion('s')]);
        expect(await opened.client.pTTL(opened.keys.deletion('s'))).toBeLessThanOrEqual(10_000);
    });

    test('every key expires', async () => {
        const { store, client, keyPrefix } = opened;
        await store.sessions.open('s', { ttlMs: longMs, node: 'n' });
        await store.streams.append('s', 'a', eventsOf(1), { ...keepAll, close: true });
        await store.streams.append('s', 'empty', [], { ...keepAll, close: true });
        await store.streams.publish('s', 'p', ['1'], keepAll);
        await store.streams.hold('s', 'h', 'holder');
        await store.inboxes.join('n', longMs);
        await store.inboxes.send('n', ['m']);
        const keys = await client.keys(`${keyPrefix}*`);
        expect(keys).toHaveLength(7);
        for (const key of keys) {
            expect([key, await client.pTTL(key)]).toEqual([key, expect.toSatisfy((ttl: number) => ttl > 0 && ttl <= longMs)]);
        }
    });

    test('what is known of the streams expires with the session, however it is renewed', async () => {
        const { store, client, keys } = opened;
        await store.sessions.create('t', newSession({ ttlMs: longMs / 2 }));
        await store.streams.hold('t', 'h', 'holder');
        for (const renew of [
            () => store.sessions.touch('t', { ttlMs: longMs }),
            () => store.sessions.open('t', { ttlMs: 2 * longMs }),
            () => store.sessions.touch('t', { ttlMs: 1 })
        ]) {
            await renew();
            const script = "local t = {} for i, key in ipairs(KEYS) do t[i] = redis.call('PTTL', key) end return t";
            const ttls = await client.eval(script, { keys: [keys.session('t'), keys.streams('t'), keys.order('t')] });
            const [session = NaN, streams = NaN, order = NaN] = Array.isArray(ttls) ? ttls.map(Number) : [];
            // Before Redis 7.2 even a script sees time pass.
            expect(Math.abs(session - streams)).toBeLessThan(longMs / 10);
            expect(Math.abs(session - order)).toBeLessThan(longMs / 10);
        }
    });

    test.each([
        ['keyPrefix', { keyPrefix: 'a{b}' }],
        ['maxStreamsPerSession', { maxStreamsPerSession: 0 }],
        ['maxInboxMessages', { maxInboxMessages: 1.5 }],
        ['inboxTtlMs', { inboxTtlMs: 0 }],
        ['reconnectPatienceMs', { reconnectPatienceMs: Number.NaN }]
    ])('%s out of range is refused', (name, options) => {
        const make = () => new RedisTransportStore(opened.client, options);
        expect(make).toThrow(TransportStoreError);
        expect(make).toThrow(name);
    });

    test.each([
        ['ttlMs', () => opened.store.sessions.touch('s', { ttlMs: 0 })],
        ['ttlMs', () => opened.store.sessions.create('s2', newSession({ ttlMs: -1 }))],
        ['maxAgeMs', () => opened.store.sessions.create('s2', newSession({ maxAgeMs: Number.NaN }))],
        ['maxEvents', () => opened.store.streams.append('s', 'x', eventsOf(1), { ttlMs: 1, maxEvents: 0 })],
        ['number', () => opened.store.streams.append('s', 'x', eventsOf(-1), keepAll)],
        ['limit', () => opened.store.streams.read('s', 'x', undefined, 0)],
        ['leaseMs', () => opened.store.inboxes.join('n', Number.NaN)]
    ])('an argument out of range is refused: %s', async (name, operation) => {
        const error: unknown = await operation().catch((reason: unknown) => reason);
        expect(error).toMatchObject(storeErrorOf('STORE_MISUSED'));
        expect(String(error)).toContain(name);
    });

    test('durations may be endless, or have fractions of a millisecond', async () => {
        await opened.store.sessions.create('t', newSession({ ttlMs: Infinity, maxAgeMs: 1e6 + 0.5 }));
        expect(await opened.store.sessions.touch('t', { ttlMs: Number.MAX_VALUE })).toMatchObject({ status: 'ok' });
        expect(await opened.client.pTTL(opened.keys.session('t'))).toBeLessThanOrEqual(1e6 + 1);
    });
});

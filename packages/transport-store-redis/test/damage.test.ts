import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { absenceOfServer, titled } from './support/availability.js';
import { findRedis, type TestRedis } from './support/redisServer.js';
import { eventsOf, keepAll, longMs, newSession, openStore, type OpenStore, storeErrorOf } from './support/stores.js';

const corrupt = storeErrorOf('STORE_CORRUPT');
const access = { ttlMs: longMs };

describe.skipIf(absenceOfServer)(titled('what something else did to the keys of the store', absenceOfServer), () => {
    let redis: TestRedis;
    let opened: OpenStore;

    beforeAll(async () => {
        redis = await findRedis();
    });
    beforeEach(async () => {
        opened = await openStore(redis.url);
        return () => opened.close();
    });
    afterAll(() => redis.dispose());

    type Operation = (opened: OpenStore) => Promise<unknown>;
    const sessionOperations: [string, Operation][] = [
        ['create', ({ store }) => store.sessions.create('s', newSession())],
        ['touch', ({ store }) => store.sessions.touch('s', access)],
        ['open', ({ store }) => store.sessions.open('s', access)],
        ['update', ({ store }) => store.sessions.update('s', { a: '1' })],
        ['nodes', ({ store }) => store.sessions.nodes('s')],
        ['leave', ({ store }) => store.sessions.leave('s', 'n')],
        ['delete', ({ store }) => store.sessions.delete('s', {})]
    ];
    const streamOperations: [string, Operation][] = [
        ['append', ({ store }) => store.streams.append('s', 'x', eventsOf(1), keepAll)],
        ['publish', ({ store }) => store.streams.publish('s', 'x', ['1'], keepAll)],
        ['read', ({ store }) => store.streams.read('s', 'x', undefined, 10)],
        ['hold', ({ store }) => store.streams.hold('s', 'x', 'h')]
    ];

    test.each([...sessionOperations, ...streamOperations])(
        '%s rejects a value of another type in place of a session',
        async (_name, operation) => {
            await opened.client.set(opened.keys.session('s'), 'something else');
            await expect(operation(opened)).rejects.toMatchObject(corrupt);
            expect(await opened.client.get(opened.keys.session('s'))).toBe('something else');
        }
    );

    test('create leaves a foreign hash alone', async () => {
        await opened.client.hSet(opened.keys.session('s'), 'field', 'value');
        await expect(opened.store.sessions.create('s', newSession())).rejects.toMatchObject(corrupt);
        expect(await opened.client.hGetAll(opened.keys.session('s'))).toEqual({ field: 'value' });
    });

    test.each([...streamOperations, ['release', ({ store }) => store.streams.release('s', 'x', 'h')] satisfies [string, Operation]])(
        '%s rejects a value of another type in place of the streams',
        async (_name, operation) => {
            await opened.store.sessions.create('s', newSession());
            await opened.client.set(opened.keys.streams('s'), 'something else');
            await expect(operation(opened)).rejects.toMatchObject(corrupt);
        }
    );

    test.each(streamOperations.filter(([name]) => name !== 'hold'))(
        '%s rejects a stream whose description is damaged',
        async (_name, operation) => {
            await opened.store.sessions.create('s', newSession());
            await opened.client.hSet(opened.keys.streams('s'), 'e:x', 'damaged');
            await expect(operation(opened)).rejects.toMatchObject(corrupt);
        }
    );

    test.each(streamOperations.filter(([name]) => name === 'append' || name === 'read'))(
        '%s rejects a value of another type in place of the events',
        async (_name, operation) => {
            await opened.store.sessions.create('s', newSession());
            await opened.store.streams.append('s', 'x', eventsOf(0), keepAll);
            await opened.client.set(opened.keys.events('s', 'x'), 'something else');
            await expect(operation(opened)).rejects.toMatchObject(corrupt);
        }
    );

    test('touch and open reject a session whose revision is damaged', async () => {
        await opened.store.sessions.create('s', newSession());
        await opened.client.hSet(opened.keys.session('s'), 'v', 'damaged');
        await expect(opened.store.sessions.touch('s', access)).rejects.toMatchObject(corrupt);
        await expect(opened.store.sessions.open('s', access)).rejects.toMatchObject(corrupt);
        await expect(opened.store.sessions.update('s', {})).rejects.toMatchObject(corrupt);
    });

    test('open rejects a session whose record is lost', async () => {
        await opened.store.sessions.create('s', newSession());
        await opened.client.hDel(opened.keys.session('s'), 'r');
        await expect(opened.store.sessions.open('s', access)).rejects.toMatchObject(corrupt);
    });

    test('send rejects a value of another type in place of the lease', async () => {
        await opened.client.set(opened.keys.lease('n'), 'something else');
        await expect(opened.store.inboxes.send('n', ['m'])).rejects.toMatchObject(corrupt);
    });

    test('who has read all but the lost events of a stream is told that they are lost', async () => {
        const { store, client, keys } = opened;
        await store.sessions.create('s', newSession());
        await store.streams.append('s', 'x', eventsOf(1, 2, 3), keepAll);
        await client.del(keys.events('s', 'x'));

        expect(await store.streams.read('s', 'x', undefined, 10)).toEqual({ status: 'unknown' });
        expect(await store.streams.read('s', 'x', '2', 10)).toEqual({ status: 'trimmed' });
        expect(await store.streams.read('s', 'x', '3', 10)).toEqual({ status: 'ok', events: [], closed: false });
        await store.streams.append('s', 'x', eventsOf(4), keepAll);
        expect(await store.streams.read('s', 'x', '2', 10)).toEqual({ status: 'trimmed' });
        expect(await store.streams.read('s', 'x', '3', 10)).toMatchObject({ status: 'ok', events: [{ position: '4' }] });
    });

    test('a session left by its hash alone loses its streams as a whole', async () => {
        const { store, client, keys } = opened;
        await store.sessions.create('s', newSession());
        await store.streams.append('s', 'x', eventsOf(1, 2), keepAll);
        await client.del(keys.session('s'));
        expect(await store.streams.read('s', 'x', undefined, 10)).toEqual({ status: 'unknown' });

        await store.sessions.create('s', newSession());
        expect(await store.streams.read('s', 'x', undefined, 10)).toEqual({ status: 'unknown' });
        await store.streams.append('s', 'x', eventsOf(1), keepAll);
        expect(await store.streams.read('s', 'x', undefined, 10)).toMatchObject({ events: [{ position: '1' }] });
    });
});

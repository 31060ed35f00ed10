import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { absenceOfServer, titled } from './support/availability.js';
import { findRedis, type TestRedis } from './support/redisServer.js';
import { eventsOf, keepAll, loadScripts, longMs, newSession, openStore, type OpenStore, storeErrorOf } from './support/stores.js';
import { TcpProxy } from './support/tcpProxy.js';

const unavailable = storeErrorOf('STORE_UNAVAILABLE');
const access = { ttlMs: longMs };
/** Longer than it takes to connect again on the slowest machine. */
const patientMs = 60_000;

describe.skipIf(absenceOfServer)(titled('a connection that breaks', absenceOfServer), () => {
    let redis: TestRedis;
    let proxy: TcpProxy;
    /** On the other side of the proxy. */
    let far: OpenStore;
    /** With a connection that never breaks. */
    let near: OpenStore;

    beforeAll(async () => {
        redis = await findRedis();
        const opened = await openStore(redis.url);
        await loadScripts(opened);
        opened.close();
    });
    afterAll(() => redis.dispose());
    beforeEach(async () => {
        const { hostname, port } = new URL(redis.url);
        proxy = await TcpProxy.start({ host: hostname, port: Number(port) });
        near = await openStore(redis.url);
        far = await openStore(proxy.url, { keyPrefix: near.keyPrefix, reconnectPatienceMs: patientMs });
        await near.store.sessions.create('s', newSession({ state: { a: 'old' }, node: 'n1' }));
        await near.store.inboxes.join('node', longMs);
        // The first operation looks at the server.
        await far.store.sessions.nodes('s');
    });
    afterEach(async () => {
        far.close();
        near.close();
        await proxy.close();
    });

    /** Starts an operation, lets Redis execute it, and breaks the connection before the answer has come. */
    async function executedUnanswered<Result>(operation: () => Promise<Result>): Promise<Result> {
        const lost = proxy.loseAnswers();
        const result = operation();
        // Looked at when the connection is back.
        result.catch(() => {});
        await lost;
        proxy.cut();
        proxy.passAnswers();
        return result;
    }

    describe('after the command was executed, before the answer came', () => {
        test('touch is repeated', async () => {
            const touched = executedUnanswered(() => far.store.sessions.touch('s', access));
            await expect(touched).resolves.toEqual({ status: 'ok', revision: 1 });
        });

        test('open is repeated, and names the node once', async () => {
            const opened = executedUnanswered(() => far.store.sessions.open('s', { ...access, node: 'n2' }));
            await expect(opened).resolves.toMatchObject({ status: 'ok', session: { record: 'record', state: { a: 'old' } } });
            expect([...(await near.store.sessions.nodes('s'))].sort()).toEqual(['n1', 'n2']);
        });

        test('update is repeated, as it sets the same fields', async () => {
            await expect(executedUnanswered(() => far.store.sessions.update('s', { a: 'new' }))).resolves.toBeGreaterThan(1);
            expect(await near.store.sessions.open('s', access)).toMatchObject({ session: { state: { a: 'new' } } });
        });

        test('delete is repeated, and still tells the nodes of the session', async () => {
            const deleted = executedUnanswered(() => far.store.sessions.delete('s', {}));
            await expect(deleted).resolves.toEqual({ status: 'ok', nodes: ['n1'] });
        });

        test('append is repeated, and writes its events once', async () => {
            const appended = executedUnanswered(() => far.store.streams.append('s', 'a', eventsOf(1, 2), keepAll));
            await expect(appended).resolves.toMatchObject({ status: 'ok' });
            expect(await near.store.streams.read('s', 'a', undefined, 10)).toMatchObject({
                events: [{ position: '1' }, { position: '2' }]
            });
        });

        test('a closing append is repeated, and knows that it was itself who closed the stream', async () => {
            const closed = executedUnanswered(() => far.store.streams.append('s', 'a', eventsOf(1), { ...keepAll, close: true }));
            await expect(closed).resolves.toMatchObject({ status: 'ok' });
            expect(await near.store.streams.append('s', 'a', eventsOf(2), { ...keepAll, close: true })).toEqual({ status: 'closed' });
        });

        test('send is repeated: a message may come twice, but must come', async () => {
            await expect(executedUnanswered(() => far.store.inboxes.send('node', ['m']))).resolves.toBe(true);
        });

        test.each([
            ['create', ({ store }: OpenStore): Promise<unknown> => store.sessions.create('s2', newSession())],
            ['publish', ({ store }: OpenStore): Promise<unknown> => store.streams.publish('s', 'p', ['event'], keepAll)],
            ['hold', ({ store }: OpenStore): Promise<unknown> => store.streams.hold('s', 'h', 'holder')]
        ])('%s rejects, as repeating it would have another outcome', async (_name, operation) => {
            await expect(executedUnanswered(() => operation(far))).rejects.toMatchObject(unavailable);
        });

        test('nothing is published twice', async () => {
            await expect(executedUnanswered(() => far.store.streams.publish('s', 'p', ['event'], keepAll))).rejects.toMatchObject(
                unavailable
            );
            const read = await near.store.streams.read('s', 'p', undefined, 10);
            expect(read).toMatchObject({ status: 'ok', events: [{ data: 'event' }] });
        });

        test('appends that were waiting behind it keep their order', async () => {
            const { streams } = far.store;
            await executedUnanswered(() =>
                Promise.all([
                    streams.append('s', 'a', eventsOf(1), keepAll),
                    // Waits for the answer to the first one, because its retention is another one.
                    streams.append('s', 'a', eventsOf(2), { ...keepAll, ttlMs: longMs - 1 }),
                    streams.append('s', 'a', eventsOf(3), keepAll)
                ])
            );
            const read = await near.store.streams.read('s', 'a', undefined, 10);
            expect(read).toMatchObject({ events: [{ position: '1' }, { position: '2' }, { position: '3' }] });
        });
    });

    describe('for good', () => {
        beforeEach(async () => {
            far.close();
            far = await openStore(proxy.url, { keyPrefix: near.keyPrefix, reconnectPatienceMs: 500 });
            await far.store.sessions.nodes('s');
        });

        /** Resolves when the client has noticed that its connection is broken, and can't make another one. */
        async function interruption(): Promise<void> {
            const noticed = new Promise<void>(resolve => far.client.once('reconnecting', () => resolve()));
            proxy.refuse(true);
            proxy.cut();
            await noticed;
        }

        /** Resolves when the client is connected again, and has sent whatever it may have kept. */
        async function recovery(): Promise<void> {
            const back = new Promise<void>(resolve => far.client.once('ready', () => resolve()));
            proxy.refuse(false);
            await back;
            await far.store.ping();
        }

        test('appends behind one that failed fail too, so that repeating them in order leaves no gap', async () => {
            proxy.refuse(true);
            const { streams } = far.store;
            const results = executedUnanswered(() =>
                Promise.allSettled([
                    streams.append('s', 'a', eventsOf(1), keepAll),
                    streams.append('s', 'a', eventsOf(2), { ...keepAll, ttlMs: longMs - 1 })
                ])
            );
            expect((await results).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
            expect(await near.store.streams.read('s', 'a', undefined, 10)).toMatchObject({ events: [{ position: '1' }] });
        });

        test('operations wait for the connection, but once the patience is over they reject at once', async () => {
            await interruption();
            await expect(far.store.sessions.touch('s', access)).rejects.toMatchObject(unavailable);

            // Nothing but the present turn of the event loop passes.
            const order: string[] = [];
            const rejected = far.store.sessions.touch('s', access).catch(() => order.push('rejected'));
            const later = new Promise<void>(resolve => setTimeout(resolve, 200)).then(() => order.push('much later'));
            await Promise.all([rejected, later]);
            expect(order).toEqual(['rejected', 'much later']);
        });

        test('it heals by itself', async () => {
            await interruption();
            await expect(far.store.sessions.touch('s', access)).rejects.toMatchObject(unavailable);

            await recovery();
            await expect(far.store.sessions.touch('s', access)).resolves.toEqual({ status: 'ok', revision: 1 });
        });

        test('what rejected is not executed later', async () => {
            await interruption();
            const hold = far.store.streams.hold('s', 'h', 'late');
            const create = far.store.sessions.create('late', newSession({ node: 'n' }));
            await expect(hold).rejects.toMatchObject(unavailable);
            await expect(create).rejects.toMatchObject(unavailable);

            await recovery();
            expect(await near.store.streams.hold('s', 'h', 'next')).toEqual({ status: 'ok', previous: undefined });
            expect(await near.store.sessions.nodes('late')).toEqual([]);
        });

        test('a command that the client has not sent yet is withdrawn', async () => {
            proxy.stall();
            // More than fits into the buffers on the way, so that the client has to keep the next command back.
            const large = far.store.sessions.create('large', newSession({ record: 'x'.repeat(32 * 1024 * 1024) }));
            const unsent = far.store.sessions.create('unsent', newSession({ node: 'n' }));
            large.catch(() => {});
            unsent.catch(() => {});
            await interruption();
            await expect(large).rejects.toMatchObject(unavailable);
            await expect(unsent).rejects.toMatchObject(unavailable);

            await recovery();
            expect(await near.store.sessions.nodes('unsent')).toEqual([]);
        });
    });

    describe.each([
        ['with the client queueing while offline', false],
        ['with disableOfflineQueue', true]
    ])('a short interruption %s', (_name, disableOfflineQueue) => {
        test('does not show', async () => {
            const opened = await openStore(
                proxy.url,
                { keyPrefix: near.keyPrefix, reconnectPatienceMs: patientMs },
                { disableOfflineQueue }
            );
            try {
                await opened.store.sessions.nodes('s');
                const interrupted = new Promise<void>(resolve => opened.client.once('reconnecting', () => resolve()));
                proxy.cut();
                await interrupted;
                // Not even what would not be repeated: it is not sent before the connection is back.
                await expect(opened.store.sessions.create('s2', newSession())).resolves.toBe(true);
                await expect(opened.store.sessions.touch('s2', access)).resolves.toEqual({ status: 'ok', revision: 1 });
            } finally {
                opened.close();
            }
        });
    });

    test('CLIENT KILL in the middle of traffic loses no event and repeats none', async () => {
        const { client, store } = far;
        const count = 2_000;
        const appends: Promise<unknown>[] = [];
        for (let number = 0; number < count; number++) {
            appends.push(store.streams.append('s', 'a', eventsOf(number), keepAll));
            if (number % 100 === 50) {
                // Waits for some of the answers, so that there is traffic at every point of time.
                await appends[number - 40];
            }
            if (number % 500 === 250) {
                const id = await client.sendCommand(['CLIENT', 'ID']);
                await near.client.sendCommand(['CLIENT', 'KILL', 'ID', String(id)]);
            }
        }
        await Promise.all(appends);
        const read = await near.store.streams.read('s', 'a', undefined, count + 1);
        expect(read.status === 'ok' ? read.events.map(({ position }) => Number(position)) : read).toEqual(
            Array.from({ length: count }, (_, number) => number)
        );
    });
});

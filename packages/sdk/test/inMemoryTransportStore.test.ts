/** What is particular to the in-memory store: its bounds. The contract suite, in a package of its own, has everything else. */
import { describe, expect, test } from 'vitest';
import { InMemoryTransportStore, type InMemoryTransportStoreOptions } from '../src/server/inMemoryTransportStore.js';
import { SessionTable } from '../src/server/memory/sessionTable.js';

const keepAll = { ttlMs: 60_000, maxEvents: 1000 };
const closing = { ...keepAll, close: true };

/** A store whose clock only moves when it is told to. */
function storeWithClock(options: InMemoryTransportStoreOptions = {}) {
    let now = 1_000_000;
    const store = new InMemoryTransportStore({ ...options, now: () => now });
    return { ...store, pass: (ms: number) => void (now += ms) };
}

async function createSessions({ sessions }: Pick<InMemoryTransportStore, 'sessions'>, count: number, ttlMs: number, prefix = 's') {
    for (let number = 0; number < count; number++) {
        expect(await sessions.create(`${prefix}${number}`, { record: '', state: {}, ttlMs })).toBe(true);
    }
}

describe('maxSessions', () => {
    test('refuses one session more, visibly, and keeps the others', async () => {
        const store = storeWithClock({ maxSessions: 3 });
        await createSessions(store, 3, 1000);
        await expect(store.sessions.create('more', { record: '', state: {}, ttlMs: 1000 })).rejects.toMatchObject({ code: 'STORE_FULL' });
        expect(await store.sessions.touch('more', { ttlMs: 1000 })).toEqual({ status: 'missing' });
        for (const id of ['s0', 's1', 's2']) {
            expect(await store.sessions.touch(id, { ttlMs: 1000 })).toEqual({ status: 'ok', revision: 1 });
        }
    });

    test('answers false rather than rejecting for a session that exists', async () => {
        const store = storeWithClock({ maxSessions: 1 });
        await createSessions(store, 1, 1000);
        expect(await store.sessions.create('s0', { record: '', state: {}, ttlMs: 1000 })).toBe(false);
    });

    test('counts neither deleted nor expired sessions', async () => {
        const store = storeWithClock({ maxSessions: 2 });
        await createSessions(store, 2, 1000, 'old');
        await store.sessions.delete('old0', {});
        await createSessions(store, 1, 5000, 'longer');
        store.pass(1000);
        await createSessions(store, 1, 5000, 'new');
        await expect(store.sessions.create('more', { record: '', state: {}, ttlMs: 1000 })).rejects.toMatchObject({ code: 'STORE_FULL' });
    });

    test('finds the one expired session of a large full store', async () => {
        const store = storeWithClock({ maxSessions: 5000 });
        await createSessions(store, 4000, 60_000, 'a');
        await createSessions(store, 1, 1000, 'short');
        await createSessions(store, 999, 60_000, 'b');
        store.pass(1000);
        await createSessions(store, 1, 1000, 'new');
    });
});

describe('expired sessions that nobody asks for', () => {
    let now = 0;
    const add = (table: SessionTable, id: string, lifeMs: number) =>
        table.add({
            id,
            record: '',
            principal: undefined,
            endsAt: Infinity,
            state: {},
            revision: 1,
            expiresAt: now + lifeMs,
            nodes: new Set(),
            streams: undefined,
            lastPublished: 0
        });

    test('are dropped while others are created', () => {
        const table = new SessionTable(100_000, () => now);
        for (let number = 0; number < 10_000; number++, now++) {
            add(table, `session ${number}`, 300);
        }
        // 300 live at a time; what has expired is at most a third as many.
        expect(table.size).toBeLessThan(410);
    });

    test('are dropped while others are used', () => {
        const table = new SessionTable(100_000, () => now);
        for (let number = 0; number < 1000; number++) {
            add(table, `session ${number}`, 300);
        }
        add(table, 'used', 100_000);
        now += 300;
        for (let used = 0; used < 10_000; used++) {
            expect(table.get('used')).toBeDefined();
        }
        expect(table.size).toBe(1);
    });
});

describe('maxStreamsPerSession', () => {
    async function statusOf({ streams }: Pick<InMemoryTransportStore, 'streams'>, ids: readonly string[]) {
        return Promise.all(ids.map(async id => `${id}: ${(await streams.read('s0', id, undefined, 1)).status}`));
    }

    test('drops the stream that was written longest ago, closed ones first', async () => {
        const store = storeWithClock({ maxStreamsPerSession: 4 });
        const { streams } = store;
        await createSessions(store, 1, 60_000);
        for (const id of ['a', 'b', 'c', 'd']) {
            await streams.append('s0', id, [{ number: 1, data: '' }], keepAll);
        }
        await streams.append('s0', 'a', [{ number: 2, data: '' }], keepAll);
        await streams.append('s0', 'c', [], closing);
        await streams.append('s0', 'e', [{ number: 1, data: '' }], keepAll);
        expect(await statusOf(store, ['a', 'b', 'c', 'd', 'e'])).toEqual(['a: ok', 'b: ok', 'c: unknown', 'd: ok', 'e: ok']);
        await streams.append('s0', 'f', [{ number: 1, data: '' }], keepAll);
        expect(await statusOf(store, ['a', 'b', 'd', 'e', 'f'])).toEqual(['a: ok', 'b: unknown', 'd: ok', 'e: ok', 'f: ok']);
    });

    test('spares open streams that somebody holds', async () => {
        const store = storeWithClock({ maxStreamsPerSession: 2 });
        const { streams } = store;
        await createSessions(store, 1, 60_000);
        await streams.publish('s0', 'standalone', ['event'], keepAll);
        await streams.hold('s0', 'standalone', 'reader');
        for (let number = 0; number < 10; number++) {
            await streams.append('s0', `request-${number}`, [{ number: 1, data: '' }], keepAll);
        }
        expect(await statusOf(store, ['standalone', 'request-8', 'request-9'])).toEqual([
            'standalone: ok',
            'request-8: unknown',
            'request-9: ok'
        ]);
    });

    test('makes room by dropping streams whose time is over', async () => {
        const store = storeWithClock({ maxStreamsPerSession: 2 });
        const { streams } = store;
        await createSessions(store, 1, 60_000);
        await streams.append('s0', 'lasting', [{ number: 1, data: '' }], closing);
        await streams.append('s0', 'short', [{ number: 1, data: '' }], { ...closing, ttlMs: 100 });
        store.pass(100);
        await streams.append('s0', 'new', [{ number: 1, data: '' }], keepAll);
        expect(await statusOf(store, ['lasting', 'short', 'new'])).toEqual(['lasting: ok', 'short: unknown', 'new: ok']);
    });

    test('tells a reader of a published stream that was dropped and made anew what it has missed', async () => {
        const store = storeWithClock({ maxStreamsPerSession: 1 });
        const { streams } = store;
        await createSessions(store, 1, 60_000);
        await streams.publish('s0', 'a', ['1', '2', '3'], keepAll);
        await streams.append('s0', 'b', [{ number: 1, data: '' }], keepAll);
        expect(await streams.publish('s0', 'a', ['4'], keepAll)).toMatchObject({ status: 'ok', positions: ['4'] });
        expect(await streams.read('s0', 'a', '1', 10)).toEqual({ status: 'trimmed' });
    });
});

test('refuses to append to a stream that is published to, and the other way round', async () => {
    const store = storeWithClock();
    const { streams } = store;
    await createSessions(store, 1, 60_000);
    await streams.publish('s0', 'published', ['event'], keepAll);
    await streams.append('s0', 'appended', [{ number: 1, data: '' }], keepAll);
    await expect(streams.append('s0', 'published', [{ number: 9, data: '' }], keepAll)).rejects.toMatchObject({ code: 'STORE_MISUSED' });
    await expect(streams.publish('s0', 'appended', ['event'], keepAll)).rejects.toMatchObject({ code: 'STORE_MISUSED' });
});

describe('inboxes', () => {
    const noError = (error: Error) => expect.unreachable(error.message);
    /** Resolves when deliveries that were due have happened. */
    const delivered = () => new Promise<void>(resolve => setImmediate(resolve));

    test('refuse what would exceed maxInboxMessages as a whole, until something was delivered', async () => {
        const { inboxes } = storeWithClock({ maxInboxMessages: 3 });
        await inboxes.join('node', 60_000);
        expect(await inboxes.send('node', ['1', '2'])).toBe(true);
        await expect(inboxes.send('node', ['3', '4'])).rejects.toMatchObject({ code: 'STORE_FULL' });
        expect(await inboxes.send('node', ['5'])).toBe(true);
        await expect(inboxes.send('node', ['6'])).rejects.toMatchObject({ code: 'STORE_FULL' });
        const received: string[] = [];
        const subscription = await inboxes.receive('node', messages => received.push(...messages), noError);
        await delivered();
        expect(await inboxes.send('node', ['7'])).toBe(true);
        await delivered();
        expect(received).toEqual(['1', '2', '5', '7']);
        await subscription.close();
    });

    test('never deliver from within the call of the sender', async () => {
        const { inboxes } = storeWithClock();
        await inboxes.join('node', 60_000);
        let sending = false;
        const during: boolean[] = [];
        const subscription = await inboxes.receive('node', () => during.push(sending), noError);
        sending = true;
        const sent = inboxes.send('node', ['message']);
        sending = false;
        await sent;
        await delivered();
        expect(during).toEqual([false]);
        await subscription.close();
    });

    test('go on after a receiver that throws, which is told', async () => {
        const { inboxes } = storeWithClock();
        await inboxes.join('node', 60_000);
        const received: string[] = [];
        const errors: Error[] = [];
        const failure = new Error('receiver');
        const subscription = await inboxes.receive(
            'node',
            messages => {
                received.push(...messages);
                if (messages.includes('bad')) {
                    throw failure;
                }
            },
            error => errors.push(error)
        );
        for (const message of ['good', 'bad', 'next']) {
            await inboxes.send('node', [message]);
            await delivered();
        }
        expect(received).toEqual(['good', 'bad', 'next']);
        expect(errors).toEqual([failure]);
        await subscription.close();
    });

    test('deliver to one subscription at a time', async () => {
        const { inboxes } = storeWithClock();
        await inboxes.join('node', 60_000);
        const first = await inboxes.receive('node', () => {}, noError);
        await expect(inboxes.receive('node', () => {}, noError)).rejects.toMatchObject({ code: 'STORE_MISUSED' });
        await first.close();
        const second = await inboxes.receive('node', () => {}, noError);
        await second.close();
    });
});

test.each([
    { maxSessions: 0 },
    { maxSessions: -1 },
    { maxSessions: Number.NaN },
    { maxStreamsPerSession: 1.5 },
    { maxStreamsPerSession: Number.POSITIVE_INFINITY },
    { maxInboxMessages: 0 }
])('refuses the options %o', options => {
    expect(() => new InMemoryTransportStore(options)).toThrow(expect.objectContaining({ code: 'STORE_MISUSED' }));
});

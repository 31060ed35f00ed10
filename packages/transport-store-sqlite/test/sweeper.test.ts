import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Sql } from '../src/database/sql.js';
import { sweepStep } from '../src/sweeper.js';
import { countRows, keepAll, newSession, testFile } from './support/stores.js';

const tables = ['session', 'session_content', 'session_node', 'ended_session', 'stream', 'event', 'node', 'message'];

test('what has expired, was deleted or left is removed by any process that uses the file', async () => {
    const file = testFile();
    const writer = file.open({ sweepIntervalMs: 0x7fffffff });
    await writer.sessions.create('expiring', newSession({ ttlMs: 1, node: 'node' }));
    await writer.sessions.create('deleted', newSession({ node: 'node' }));
    await writer.sessions.create('lasting', newSession());
    await writer.streams.publish('deleted', 'stream', ['1', '2'], keepAll);
    await writer.streams.append('lasting', 'expiring', [{ number: 1, data: '1' }], { ttlMs: 1, maxEvents: 10, close: true });
    await writer.streams.hold('lasting', 'released', 'reader');
    await writer.streams.release('lasting', 'released', 'reader');
    await writer.sessions.delete('deleted', {});
    await writer.sessions.delete('lasting', {});
    await writer.inboxes.join('dying', 100);
    await writer.inboxes.send('dying', ['1', '2']);

    await file.open({ sweepIntervalMs: 5 }).ping();
    const raw = file.openRaw();
    await vi.waitFor(() => {
        expect(tables.map(table => [table, countRows(raw, table)])).toEqual(tables.map(table => [table, 0]));
    }, 10_000);
});

describe('a step', () => {
    beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
    afterEach(() => void vi.useRealTimers());

    const pass = (ms: number) => void vi.setSystemTime(Date.now() + ms);

    function prepare() {
        const file = testFile();
        const store = file.open({ sweepIntervalMs: 0x7fffffff });
        const raw = file.openRaw();
        const sql = new Sql(raw);
        return { store, raw, step: () => sweepStep(sql, Date.now()) };
    }

    test('removes a bounded number of sessions, and says whether there are more', async () => {
        const { store, raw, step } = prepare();
        await Promise.all(Array.from({ length: 250 }, (_, index) => store.sessions.create(`${index}`, newSession({ ttlMs: 1000 }))));
        expect(step()).toBe(false);
        expect(countRows(raw, 'session')).toBe(250);
        pass(1100);
        expect([step(), countRows(raw, 'session')]).toEqual([true, 150]);
        expect([step(), countRows(raw, 'session')]).toEqual([true, 50]);
        expect([step(), countRows(raw, 'session')]).toEqual([false, 0]);
    });

    test('removes a bounded number of events, and says whether there are more', async () => {
        const { store, raw, step } = prepare();
        const texts = Array.from({ length: 1500 }, (_, index) => `${index}`);
        await store.sessions.create('deleted', newSession());
        await store.streams.publish('deleted', 'stream', texts, keepAll);
        await store.sessions.create('lasting', newSession());
        await store.streams.publish('lasting', 'stream', texts, { ttlMs: 1000, maxEvents: 10_000 });
        await store.sessions.delete('deleted', {});
        pass(1100);
        expect([step(), countRows(raw, 'event')]).toEqual([true, 1000]);
        expect([step(), countRows(raw, 'event')]).toEqual([false, 0]);
        expect([countRows(raw, 'stream'), countRows(raw, 'ended_session')]).toEqual([1, 0]);
    });

    test('removes a bounded number of messages of a dead node, and says whether there are more', async () => {
        const { store, raw, step } = prepare();
        await store.inboxes.join('node', 1000);
        await store.inboxes.send(
            'node',
            Array.from({ length: 1500 }, (_, index) => `${index}`)
        );
        pass(1000);
        expect([step(), countRows(raw, 'message'), countRows(raw, 'node')]).toEqual([true, 500, 1]);
        expect([step(), countRows(raw, 'message'), countRows(raw, 'node')]).toEqual([false, 0, 0]);
    });

    test('leaves sessions, streams and nodes that were renewed', async () => {
        const { store, raw, step } = prepare();
        await store.sessions.create('session', newSession({ ttlMs: 1000 }));
        await store.streams.publish('session', 'stream', ['1'], { ttlMs: 1000, maxEvents: 10 });
        await store.inboxes.join('node', 1000);
        for (let renewals = 0; renewals < 5; renewals++) {
            pass(900);
            await store.sessions.touch('session', { ttlMs: 1000 });
            await store.streams.publish('session', 'stream', ['2'], { ttlMs: 1000, maxEvents: 10 });
            await store.inboxes.renew('node', 1000);
            step();
        }
        expect(await store.sessions.touch('session', { ttlMs: 1000 })).toEqual({ status: 'ok', revision: 1 });
        expect(await store.streams.read('session', 'stream', '5', 10)).toMatchObject({ events: [{ position: '6' }] });
        expect(await store.inboxes.alive(['node'])).toEqual(['node']);
        pass(1100);
        step();
        expect(['session', 'event', 'node'].map(table => countRows(raw, table))).toEqual([0, 0, 0]);
    });

    test('looks at a bounded number of sessions that were renewed, and says whether there are more', async () => {
        const { store, step } = prepare();
        const ids = Array.from({ length: 150 }, (_, index) => `${index}`);
        await Promise.all(ids.map(id => store.sessions.create(id, newSession({ ttlMs: 1000 }))));
        pass(900);
        await Promise.all(ids.map(id => store.sessions.touch(id, { ttlMs: 1000 })));
        pass(200);
        expect([step(), step()]).toEqual([true, false]);
    });

    test('lets a stream that is still written to remember how far it had come', async () => {
        const { store, raw, step } = prepare();
        await store.sessions.create('session', newSession());
        await store.streams.publish('session', 'stream', ['1', '2', '3'], { ttlMs: 1000, maxEvents: 10 });
        pass(1000);
        step();
        expect(countRows(raw, 'event')).toBe(0);
        expect(await store.streams.read('session', 'stream', '3', 10)).toEqual({ status: 'unknown' });
        expect(await store.streams.publish('session', 'stream', ['4'], { ttlMs: 1000, maxEvents: 10 })).toMatchObject({ positions: ['4'] });
        expect(await store.streams.read('session', 'stream', '2', 10)).toEqual({ status: 'trimmed' });
        expect(await store.streams.read('session', 'stream', '3', 10)).toMatchObject({ events: [{ data: '4' }] });
        pass(1000);
        step();
        expect(countRows(raw, 'event')).toBe(0);
    });

    test('keeps a hold whose stream is dropped', async () => {
        const { store, step } = prepare();
        await store.sessions.create('session', newSession());
        await store.streams.hold('session', 'stream', 'reader');
        await store.streams.publish('session', 'stream', ['1'], { ttlMs: 1000, maxEvents: 10 });
        pass(1000);
        step();
        expect(await store.streams.read('session', 'stream', '1', 10)).toEqual({ status: 'ok', events: [], closed: false });
        expect(await store.streams.publish('session', 'stream', ['2'], keepAll)).toMatchObject({ holder: 'reader' });
    });
});

test('events are trimmed at the age at which they may be', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
        const file = testFile();
        const { sessions, streams } = file.open();
        await sessions.create('session', newSession());
        for (let second = 0; second < 30; second++) {
            await streams.publish('session', 'stream', [`${second}`], { ttlMs: 10_000, maxEvents: 1000 });
            vi.setSystemTime(Date.now() + 1000);
        }
        expect(countRows(file.openRaw(), 'event')).toBeLessThanOrEqual(12);
        expect(await streams.read('session', 'stream', '15', 100)).toEqual({ status: 'trimmed' });
        expect(await streams.read('session', 'stream', '25', 100)).toMatchObject({ status: 'ok' });
    } finally {
        vi.useRealTimers();
    }
});

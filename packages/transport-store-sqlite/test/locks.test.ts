import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { keepAll, longMs, newSession, testFile } from './support/stores.js';

test('while another process writes, writes wait without blocking this one, and reads go on', async () => {
    const file = testFile();
    const { sessions } = file.open();
    await sessions.create('session', newSession());
    const other = file.openRaw();
    other.exec('BEGIN IMMEDIATE');

    let isWritten = false;
    const update = sessions.update('session', { a: '1' }).finally(() => (isWritten = true));
    for (let turn = 0; turn < 200; turn++) {
        await nextTurn();
        expect(await sessions.touch('session', { ttlMs: longMs })).toEqual({ status: 'ok', revision: 1 });
    }
    expect(isWritten).toBe(false);

    other.exec('COMMIT');
    expect(await update).toBe(2);
});

test('writes that waited are made in the order in which they were asked for', async () => {
    const file = testFile();
    const { sessions, streams } = file.open();
    await sessions.create('session', newSession());
    const other = file.openRaw();
    other.exec('BEGIN IMMEDIATE');
    const texts = Array.from({ length: 300 }, (_, index) => `event ${index}`);
    const written = texts.map(async text => {
        // Some are asked for now, some later.
        for (let turn = texts.indexOf(text) % 3; turn > 0; turn--) {
            await nextTurn();
        }
        return [text, await streams.publish('session', 'stream', [text], keepAll)] as const;
    });
    await nextTurn();
    other.exec('COMMIT');
    await Promise.all(written);
    const read = await streams.read('session', 'stream', undefined, 1000);
    const expected = [0, 1, 2].flatMap(turn => texts.filter((_, index) => index % 3 === turn));
    expect(read.status === 'ok' && read.events.map(({ data }) => data)).toEqual(expected);
});

test('a write that waits too long is given up, and never happens', async () => {
    const file = testFile();
    const { sessions } = file.open({ lockWaitMs: 50 });
    await sessions.create('session', newSession());
    const other = file.openRaw();
    other.exec('BEGIN IMMEDIATE');
    const updates = Array.from({ length: 3 }, (_, index) => sessions.update('session', { a: String(index) }));
    for (const update of updates) {
        await expect(update).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', cause: { errcode: 5 } });
    }
    other.exec('COMMIT');
    expect(await sessions.update('session', { b: '1' })).toBe(2);
    expect(await sessions.open('session', { ttlMs: longMs })).toMatchObject({ session: { state: { b: '1' } } });
});

test('a failing write does not spoil those that share its transaction', async () => {
    const file = testFile();
    const { sessions } = file.open();
    await sessions.create('damaged', newSession());
    file.openRaw().exec("UPDATE session_content SET state = '[]'");
    const results = await Promise.allSettled([
        sessions.create('before', newSession()),
        sessions.update('damaged', { a: '1' }),
        sessions.create('after', newSession())
    ]);
    expect(results).toMatchObject([
        { status: 'fulfilled', value: true },
        { status: 'rejected', reason: { code: 'STORE_CORRUPT' } },
        { status: 'fulfilled', value: true }
    ]);
    expect(await sessions.touch('damaged', { ttlMs: longMs })).toEqual({ status: 'ok', revision: 1 });
    expect(await sessions.touch('after', { ttlMs: longMs })).toEqual({ status: 'ok', revision: 1 });
});

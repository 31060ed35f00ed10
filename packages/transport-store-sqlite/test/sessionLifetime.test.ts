import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { newSession, testFile } from './support/stores.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

const pass = (ms: number) => void vi.setSystemTime(Date.now() + ms);

/** Tells whether anything was committed to the file since the last call. */
function commitObserver(file: ReturnType<typeof testFile>): () => boolean {
    const raw = file.openRaw();
    const version = () => raw.prepare('PRAGMA data_version').get()?.data_version;
    let last = version();
    return () => {
        const previous = last;
        last = version();
        return last !== previous;
    };
}

test('touches write only when the time granted in addition is used up', async () => {
    const file = testFile();
    const { sessions } = file.open();
    await sessions.create('session', newSession({ ttlMs: 60_000 }));
    const hasWritten = commitObserver(file);
    for (let touches = 0; touches < 10; touches++) {
        pass(100);
        await sessions.touch('session', { ttlMs: 60_000 });
        expect(hasWritten()).toBe(false);
    }
    pass(1);
    await sessions.touch('session', { ttlMs: 60_000 });
    expect(hasWritten()).toBe(true);
    pass(1000);
    await sessions.touch('session', { ttlMs: 60_000 });
    expect(hasWritten()).toBe(false);
});

test.for([
    { ttlMs: 60_000, additionalMs: 1000 },
    { ttlMs: 500, additionalMs: 50 }
])('a session that is to live $ttlMs ms lives at most $additionalMs ms longer', async ({ ttlMs, additionalMs }) => {
    const { sessions } = testFile().open();
    await sessions.create('session', newSession({ ttlMs, node: 'node' }));
    pass(ttlMs);
    expect(await sessions.nodes('session')).toEqual(['node']);
    expect(await sessions.touch('session', { ttlMs })).toEqual({ status: 'ok', revision: 1 });
    pass(ttlMs + additionalMs - 1);
    expect(await sessions.nodes('session')).toEqual(['node']);
    pass(1);
    expect(await sessions.nodes('session')).toEqual([]);
    expect(await sessions.touch('session', { ttlMs })).toEqual({ status: 'missing' });
});

test('a session that can not be renewed any more is no reason to write, and ends when it was to end', async () => {
    const file = testFile();
    const { sessions } = file.open({ lockWaitMs: 50 });
    await sessions.create('session', newSession({ ttlMs: 60_000, maxAgeMs: 60_000, node: 'node' }));
    pass(59_999);
    const other = file.openRaw();
    other.exec('BEGIN IMMEDIATE');
    expect(await sessions.touch('session', { ttlMs: 60_000 })).toEqual({ status: 'ok', revision: 1 });
    other.exec('COMMIT');
    pass(1);
    expect(await sessions.touch('session', { ttlMs: 60_000 })).toEqual({ status: 'missing' });
});

test('a lifetime may be infinite', async () => {
    const { sessions } = testFile().open();
    await sessions.create('session', newSession({ ttlMs: Infinity }));
    pass(1e12);
    expect(await sessions.touch('session', { ttlMs: Infinity })).toEqual({ status: 'ok', revision: 1 });
});

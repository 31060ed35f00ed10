import { existsSync, mkdirSync, openSync, closeSync, renameSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { SqliteTransportStore } from '../src/index.js';
import { prepareDatabase } from '../src/database/schema.js';
import { Sql } from '../src/database/sql.js';
import { loadNodeSqlite } from '../src/nodeSqlite.js';
import { keepAll, longMs, newSession, testFile } from './support/stores.js';
import { temporaryFolder } from './support/temporaryFolder.js';

test('sessions are still there after all processes have closed the file', async () => {
    const file = testFile();
    const first = new SqliteTransportStore(file.path);
    await first.sessions.create('session', newSession());
    await first.close();
    expect(await file.open().sessions.touch('session', { ttlMs: longMs })).toEqual({ status: 'ok', revision: 1 });
});

test('nothing is opened before the first operation', async () => {
    const file = testFile();
    const store = file.open();
    expect(existsSync(file.path)).toBe(false);
    await store.ping();
    expect(existsSync(file.path)).toBe(true);
});

test('the location may be a file URL', async () => {
    const file = testFile();
    const store = new SqliteTransportStore(pathToFileURL(file.path));
    onTestFinished(() => store.close());
    await store.ping();
    expect(existsSync(file.path)).toBe(true);
});

test.for([
    { name: 'an empty path', make: () => new SqliteTransportStore('') },
    { name: 'a URL that is no file', make: () => new SqliteTransportStore(new URL('https://example.com/store.db')) },
    { name: 'a fractional option', make: () => new SqliteTransportStore(':memory:', { pollIntervalMs: 1.5 }) },
    { name: 'a negative option', make: () => new SqliteTransportStore(':memory:', { lockWaitMs: -1 }) },
    { name: 'an option that no timer can be set to', make: () => new SqliteTransportStore(':memory:', { sweepIntervalMs: 2 ** 31 }) },
    { name: 'an infinite option', make: () => new SqliteTransportStore(':memory:', { maxInboxMessages: Infinity }) },
    { name: 'a Node without SQLite', make: () => loadNodeSqlite({ version: 'v20.20.2', getBuiltinModule: () => undefined }) },
    { name: 'a Node that is older still', make: () => loadNodeSqlite({ version: 'v18.0.0' }) }
])('$name is refused at once', ({ make }) => {
    expect(make).toThrow(expect.objectContaining({ code: 'STORE_MISUSED' }));
});

test('the refusal of an old Node says which one is needed', () => {
    expect(() => loadNodeSqlite({ version: 'v20.20.2' })).toThrow(/needs Node 22\.13 or newer.*v20\.20\.2/);
});

test('a store in memory works, and is gone when it is closed', async () => {
    const store = new SqliteTransportStore(':memory:');
    await store.sessions.create('session', newSession());
    expect(await store.sessions.touch('session', { ttlMs: longMs })).toEqual({ status: 'ok', revision: 1 });
    await store.close();
    await expect(store.ping()).rejects.toMatchObject({ code: 'STORE_MISUSED' });
});

test('close finishes what was begun, and refuses what comes after', async () => {
    const file = testFile();
    const store = new SqliteTransportStore(file.path);
    const order: string[] = [];
    const created = store.sessions.create('session', newSession()).finally(() => order.push('created'));
    const closed = store.close().finally(() => order.push('closed'));
    await expect(store.sessions.create('late', newSession())).rejects.toMatchObject({ code: 'STORE_MISUSED' });
    await expect(store.sessions.nodes('session')).rejects.toMatchObject({ code: 'STORE_MISUSED' });
    expect(await created).toBe(true);
    await closed;
    expect(order).toEqual(['created', 'closed']);
    await store.close();
    expect(await file.open().sessions.touch('session', { ttlMs: longMs })).toEqual({ status: 'ok', revision: 1 });
});

test('a database that was given stays open, and its other users must not leave transactions open', async () => {
    const file = testFile();
    const database = file.openRaw();
    const store = new SqliteTransportStore(database);
    await store.sessions.create('session', newSession());

    database.exec('BEGIN');
    await expect(store.sessions.update('session', { a: '1' })).rejects.toMatchObject({ code: 'STORE_MISUSED', cause: { errcode: 1 } });
    database.exec('COMMIT');
    expect(await store.sessions.update('session', { a: '1' })).toBe(2);

    await store.close();
    expect(database.prepare('SELECT revision FROM session').get()).toEqual({ revision: 2 });
});

test('a database that was given may be set to return integers as bigint', async () => {
    const database = new DatabaseSync(':memory:', { readBigInts: true });
    const store = new SqliteTransportStore(database);
    onTestFinished(() => store.close());
    expect(await store.sessions.create('session', newSession())).toBe(true);
    expect(await store.sessions.touch('session', { ttlMs: longMs })).toEqual({ status: 'ok', revision: 1 });
});

test('a missing folder makes the store unavailable until it is there', async () => {
    const folder = temporaryFolder(onTestFinished).path('later');
    const store = new SqliteTransportStore(path.join(folder, 'store.db'));
    onTestFinished(() => store.close());
    await expect(store.ping()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', cause: { errcode: 14 } });
    await expect(store.sessions.create('session', newSession())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    mkdirSync(folder);
    await store.ping();
    expect(await store.sessions.create('session', newSession())).toBe(true);
});

test('a file that was removed is not replaced by an empty one, and is used again when it is back', async () => {
    const file = testFile();
    const store = file.open();
    await store.sessions.create('session', newSession());
    for (const suffix of ['', '-wal', '-shm']) {
        renameSync(`${file.path}${suffix}`, `${file.path}.away${suffix}`);
    }
    await expect(store.ping()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(store.sessions.touch('session', { ttlMs: longMs })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(store.sessions.update('session', { a: '1' })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(existsSync(file.path)).toBe(false);
    for (const suffix of ['', '-wal']) {
        if (existsSync(`${file.path}.away${suffix}`)) {
            renameSync(`${file.path}.away${suffix}`, `${file.path}${suffix}`);
        }
    }
    expect(await store.sessions.touch('session', { ttlMs: longMs })).toEqual({ status: 'ok', revision: 1 });
});

test('a file that replaced another one is noticed', async () => {
    const file = testFile();
    const store = file.open();
    await store.sessions.create('session', newSession());
    const other = testFile();
    const replacement = new SqliteTransportStore(other.path);
    await replacement.sessions.create('other session', newSession());
    await replacement.close();
    for (const suffix of ['', '-wal', '-shm']) {
        rmSync(`${file.path}${suffix}`, { force: true });
    }
    renameSync(other.path, file.path);
    await store.ping();
    expect(await store.sessions.touch('other session', { ttlMs: longMs })).toEqual({ status: 'ok', revision: 1 });
});

test('a file that is no database is refused, and left as it is', async () => {
    const file = testFile();
    const text = 'This is a letter, not a database. '.repeat(300);
    writeFileSync(file.path, text);
    const store = file.open();
    await expect(store.ping()).rejects.toMatchObject({ code: 'STORE_CORRUPT', cause: { errcode: 26 } });
    await expect(store.sessions.create('session', newSession())).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    expect(statSync(file.path).size).toBe(text.length);
});

test('the database of something else is refused, and left as it is', async () => {
    const file = testFile();
    const raw = file.openRaw();
    raw.exec('CREATE TABLE session (id TEXT)');
    await expect(file.open().ping()).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    expect(raw.prepare('SELECT name FROM sqlite_schema').all()).toEqual([{ name: 'session' }]);
    expect(raw.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'delete' });
});

test('a damaged file makes operations fail as such', async () => {
    const file = testFile();
    const first = new SqliteTransportStore(file.path);
    await Promise.all(Array.from({ length: 200 }, (_, index) => first.sessions.create(`session ${index}`, newSession())));
    await first.close();
    const pageSize = 4096;
    const descriptor = openSync(file.path, 'r+');
    for (let page = 1; page < statSync(file.path).size / pageSize; page++) {
        writeSync(descriptor, Buffer.alloc(pageSize, 0x5a), 0, pageSize, page * pageSize);
    }
    closeSync(descriptor);
    const store = file.open();
    await expect(store.sessions.touch('session 7', { ttlMs: longMs })).rejects.toMatchObject({
        code: 'STORE_CORRUPT',
        cause: { errcode: 11 }
    });
    await expect(store.sessions.create('new', newSession())).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
});

test('tables that another process makes between two looks at the file are used', () => {
    const file = testFile();
    const other = new Sql(file.openRaw());
    class LateSql extends Sql {
        override script(text: string): void {
            if (text === 'BEGIN IMMEDIATE') {
                prepareDatabase(other);
            }
            super.script(text);
        }
    }
    const late = new LateSql(file.openRaw());
    prepareDatabase(late);
    expect(late.all('SELECT * FROM session')).toEqual([]);
});

test('a database of a newer version is refused', async () => {
    const file = testFile();
    await file.open().ping();
    const raw = file.openRaw();
    raw.exec('PRAGMA user_version = 2');
    await expect(file.open().ping()).rejects.toMatchObject({ code: 'STORE_NEWER_VERSION' });
});

test('a migration by a newer version under a running store is noticed by its operations', async () => {
    const file = testFile();
    const { sessions } = file.open();
    await sessions.create('session', newSession());
    file.openRaw().exec('BEGIN; ALTER TABLE session RENAME TO session_of_version_2; PRAGMA user_version = 2; COMMIT');
    await expect(sessions.touch('session', { ttlMs: longMs })).rejects.toMatchObject({ code: 'STORE_NEWER_VERSION' });
    await expect(sessions.update('session', {})).rejects.toMatchObject({ code: 'STORE_NEWER_VERSION' });
});

test('a full disk refuses writes only, and only until there is room', async () => {
    const database = testFile().openRaw();
    const { sessions, streams } = new SqliteTransportStore(database);
    await sessions.create('session', newSession());
    const pages = Number(database.prepare('PRAGMA page_count').get()?.page_count);
    database.exec(`PRAGMA max_page_count = ${pages + 5}`);
    const events = [{ number: 1, data: 'x'.repeat(100_000) }];
    await expect(streams.append('session', 'stream', events, keepAll)).rejects.toMatchObject({
        code: 'STORE_FULL',
        cause: { errcode: 13 }
    });
    expect(await streams.read('session', 'stream', undefined, 10)).toEqual({ status: 'unknown' });
    expect(await sessions.touch('session', { ttlMs: longMs })).toEqual({ status: 'ok', revision: 1 });
    database.exec('PRAGMA max_page_count = 1000000');
    expect(await streams.append('session', 'stream', events, keepAll)).toEqual({ status: 'ok' });
});

test('text that UTF-8 can not hold comes back unchanged', async () => {
    const { sessions, streams } = testFile().open();
    for (const [index, text] of ['\ud800', 'a\udc00b', '\udc00\ud800', '\ud800\0\udc00', '\0'].entries()) {
        await sessions.create(`session ${index}`, { record: text, state: { [text]: text }, principal: text, ttlMs: longMs });
        expect(await sessions.touch(`session ${index}`, { principal: '\ufffd', ttlMs: longMs })).toEqual({ status: 'forbidden' });
        expect(await sessions.open(`session ${index}`, { principal: text, ttlMs: longMs })).toEqual({
            status: 'ok',
            session: { record: text, state: { [text]: text }, revision: 1 }
        });
        await streams.publish(`session ${index}`, 'stream', [text], keepAll);
        expect(await streams.read(`session ${index}`, 'stream', undefined, 1)).toMatchObject({ events: [{ data: text }] });
    }
});

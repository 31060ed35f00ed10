import { DatabaseSync } from 'node:sqlite';
import { onTestFinished } from 'vitest';
import { SqliteTransportStore, type SqliteTransportStoreOptions } from '../../src/index.js';
import { temporaryFolder } from './temporaryFolder.js';

/** Lifetime in milliseconds that no test outlives. */
export const longMs = 600_000;
/** Retention that neither ends nor trims during a test. */
export const keepAll = { ttlMs: longMs, maxEvents: 100_000 };

export interface TestFile {
    readonly path: string;
    /** Opens a store on the file, which is closed when the test has ended. */
    open(options?: SqliteTransportStoreOptions): SqliteTransportStore;
    /** Opens the file without a store, as a stranger, which is closed when the test has ended. */
    openRaw(): DatabaseSync;
}

/** A file for the running test. */
export function testFile(): TestFile {
    const path = temporaryFolder(onTestFinished).path('store.db');
    return {
        path,
        open: options => {
            const store = new SqliteTransportStore(path, options);
            onTestFinished(() => store.close());
            return store;
        },
        openRaw: () => {
            const database = new DatabaseSync(path);
            onTestFinished(() => database.close());
            return database;
        }
    };
}

/** A session that lives longer than the test. */
export function newSession(fields: { principal?: string; node?: string; ttlMs?: number; maxAgeMs?: number } = {}) {
    return { record: 'record', state: {}, ttlMs: longMs, ...fields };
}

/** How many rows a table has. */
export function countRows(database: DatabaseSync, table: string): number {
    return Number(database.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.count);
}

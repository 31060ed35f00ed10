import { TransportStoreError } from '@modelcontextprotocol/sdk/server/transportStore.js';
import type { Sql } from './sql.js';

/** Marks the files of this store, see `PRAGMA application_id`: the letters MCPT. */
const applicationId = 0x4d435054;

/**
 * Version of the tables below, kept as `PRAGMA user_version`.
 *
 * Servers of two versions run side by side during a deployment, and the new one migrates the file under the old one. A migration after
 * which the old statements would do harm must therefore rename the tables that they use: the old server's statements then fail, it
 * looks at the version again, and refuses.
 */
const schemaVersion = 1;

/**
 * Times are milliseconds since 1970. Columns with text of others are `ANY`, see `StoredText`.
 *
 * `sweep_at` is when the sweeper looks at a row next. It is set when the row is made, and moved only by the sweeper, so renewing
 * `expires_at` touches no index.
 */
const tables = `
    -- What every request needs of a session, and only that: a request then reads few pages of even a very large file.
    CREATE TABLE session (
        id TEXT PRIMARY KEY NOT NULL,
        key INTEGER NOT NULL,
        revision INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        ends_at INTEGER NOT NULL,
        sweep_at INTEGER NOT NULL,
        principal ANY
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX session_sweep ON session (sweep_at);

    CREATE TABLE session_content (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        state TEXT NOT NULL,
        record ANY NOT NULL
    ) STRICT;

    CREATE TABLE session_node (
        session INTEGER NOT NULL,
        node TEXT NOT NULL,
        PRIMARY KEY (session, node)
    ) STRICT, WITHOUT ROWID;

    -- Sessions that are gone but whose streams are still to be removed.
    CREATE TABLE ended_session (
        key INTEGER PRIMARY KEY
    ) STRICT;

    CREATE TABLE stream (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        session INTEGER NOT NULL,
        id TEXT NOT NULL,
        kind TEXT,
        closed INTEGER NOT NULL,
        last INTEGER NOT NULL,
        trimmed INTEGER NOT NULL,
        kept INTEGER NOT NULL,
        oldest_at INTEGER,
        holder TEXT,
        expires_at INTEGER,
        sweep_at INTEGER,
        UNIQUE (session, id)
    ) STRICT;
    CREATE INDEX stream_sweep ON stream (sweep_at) WHERE sweep_at IS NOT NULL;

    CREATE TABLE event (
        stream INTEGER NOT NULL,
        position INTEGER NOT NULL,
        at INTEGER NOT NULL,
        data ANY NOT NULL,
        PRIMARY KEY (stream, position)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE node (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        lease_ends_at INTEGER NOT NULL,
        -- Number of the message that was sent last, and of the one that was received last.
        sent INTEGER NOT NULL,
        received INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE message (
        node INTEGER NOT NULL,
        number INTEGER NOT NULL,
        data ANY NOT NULL,
        PRIMARY KEY (node, number)
    ) STRICT, WITHOUT ROWID;

    PRAGMA application_id = ${applicationId};
    PRAGMA user_version = ${schemaVersion};
`;

/** Most memory in kibibytes that a connection fills with pages of the file. */
const cacheSize = 8192;
/** Largest size in bytes to which the write-ahead log is cut back after it had to grow. */
const journalSizeLimit = 64 * 1024 * 1024;

/**
 * Makes a connection ready for this store: settings, and the tables if the database is empty. Any number of processes may do this at
 * once; the ones that come second fail with a lock failure and are repeated.
 *
 * @throws {TransportStoreError} `STORE_NEWER_VERSION`, `STORE_CORRUPT` for the database of something else, `STORE_UNAVAILABLE` where
 * SQLite can't share a file between processes.
 */
export function prepareDatabase(sql: Sql): void {
    // Waiting happens without blocking the process, see Transactions.
    sql.script('PRAGMA busy_timeout = 0');
    const isNew = !checkVersion(sql);

    const mode = sql.get('PRAGMA journal_mode = WAL')?.text('journal_mode');
    if (mode !== 'wal' && mode !== 'memory') {
        throw new TransportStoreError(
            'STORE_UNAVAILABLE',
            `SQLite can't use its write-ahead log for the transport store (journal mode "${mode}"). Put the file on a local file system.`
        );
    }
    sql.script(`PRAGMA synchronous = NORMAL; PRAGMA cache_size = ${-cacheSize}; PRAGMA journal_size_limit = ${journalSizeLimit}`);

    if (isNew) {
        sql.script('BEGIN IMMEDIATE');
        try {
            if (!checkVersion(sql)) {
                sql.script(tables);
            }
            sql.script('COMMIT');
        } catch (error) {
            sql.script('ROLLBACK');
            throw error;
        }
    }
}

/**
 * @returns false for an empty database.
 * @throws {TransportStoreError} if this version of the store can't use the database.
 */
export function checkVersion(sql: Sql): boolean {
    // In this order: another process may make the tables meanwhile, and whoever sees tables must see whose they are.
    const isEmpty = sql.get('SELECT 1 FROM sqlite_schema LIMIT 1') === undefined;
    const version = sql.get('PRAGMA user_version')?.integer('user_version') ?? 0;
    const owner = sql.get('PRAGMA application_id')?.integer('application_id');
    if (isEmpty && version === 0 && (owner === 0 || owner === applicationId)) {
        return false;
    }
    if (owner !== applicationId || version < 1) {
        throw new TransportStoreError(
            'STORE_CORRUPT',
            'The file given to the SQLite transport store is the database of something else. Give the store a file of its own.'
        );
    }
    if (version > schemaVersion) {
        throw new TransportStoreError(
            'STORE_NEWER_VERSION',
            `The database of the SQLite transport store has version ${version}; this server knows versions up to ${schemaVersion}. ` +
                'Update @modelcontextprotocol/transport-store-sqlite.'
        );
    }
    return true;
}

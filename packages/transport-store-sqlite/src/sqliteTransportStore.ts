import type { EventStreams, NodeInboxes, SessionRecords, TransportStore } from '@modelcontextprotocol/sdk/server/transportStore.js';
import type { DatabaseSync } from './nodeSqlite.js';
import { Connection } from './database/connection.js';
import { Transactions } from './database/transactions.js';
import { SqliteNodeInboxes } from './inboxes/nodeInboxes.js';
import { SqliteSessionRecords } from './sessionRecords.js';
import { settingsFrom, type SqliteTransportStoreOptions } from './sqliteTransportStoreOptions.js';
import { SqliteEventStreams } from './streams/eventStreams.js';
import { Sweeper } from './sweeper.js';

/**
 * Keeps sessions, event streams and inboxes in one SQLite file, which any number of processes on one machine share.
 *
 * What an operation wrote survives the death of any process. After a power failure or a crash of the operating system the last moments
 * may be missing, but what is there is consistent.
 *
 * Operations reject with a `TransportStoreError`: `STORE_UNAVAILABLE` if the file can't be used or stays locked, `STORE_CORRUPT` if it
 * is damaged or the database of something else, `STORE_NEWER_VERSION` if a newer version of this package has written it, `STORE_FULL`
 * if the disk is full, `STORE_MISUSED` after {@link close}. Nothing was written then.
 */
export class SqliteTransportStore implements TransportStore {
    readonly sessions: SessionRecords;
    readonly streams: EventStreams;
    readonly inboxes: NodeInboxes;

    readonly #connection: Connection;
    readonly #transactions: Transactions;
    readonly #inboxes: SqliteNodeInboxes;
    readonly #sweeper: Sweeper;

    /**
     * @param location path or `file:` URL of the file, which is opened, and made if there is none, by the first operation; or
     * `':memory:'` for a single process; or a database that you opened. Yours is not closed with the store, is switched to WAL mode with
     * `synchronous = NORMAL` and no busy timeout, and must hold nothing else.
     * @throws {TransportStoreError} `STORE_MISUSED` if an option is out of range, the location is none, or Node is older than 22.13.
     */
    constructor(location: string | URL | DatabaseSync, options: SqliteTransportStoreOptions = {}) {
        const settings = settingsFrom(options);
        this.#connection = new Connection(location);
        this.#transactions = new Transactions(this.#connection, settings.lockWaitMs);
        this.#inboxes = new SqliteNodeInboxes(this.#connection, this.#transactions, settings.pollIntervalMs, settings.maxInboxMessages);
        this.#sweeper = new Sweeper(this.#connection, this.#transactions, settings.sweepIntervalMs);
        this.sessions = new SqliteSessionRecords(this.#transactions);
        this.streams = new SqliteEventStreams(this.#transactions);
        this.inboxes = this.#inboxes;
    }

    /** Resolves when the file is where it was and can be read, rejects with a `TransportStoreError` when it can't. */
    async ping(): Promise<void> {
        await this.#transactions.read(() => {
            this.#connection.checkFile();
            this.#connection.sql().get('SELECT 1 FROM session LIMIT 1');
        });
    }

    /**
     * Finishes the writes that were begun, ends deliveries, and closes the database unless you opened it. All later operations reject.
     */
    async close(): Promise<void> {
        this.#sweeper.stop();
        // Both begin now: nothing is accepted any more.
        await Promise.all([this.#inboxes.close(), this.#transactions.finish()]);
        this.#connection.close();
    }
}

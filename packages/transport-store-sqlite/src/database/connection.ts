import { TransportStoreError } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type DatabaseSync, loadNodeSqlite } from '../nodeSqlite.js';
import { isConnectionFailure, resultCodeOf, resultCodes, toStoreError } from './failures.js';
import { checkVersion, prepareDatabase } from './schema.js';
import { Sql } from './sql.js';

interface OpenDatabase {
    readonly database: DatabaseSync;
    readonly sql: Sql;
    /** Which file it is, whatever its name leads to now; `undefined` if there is none, or it is the user's. */
    readonly file: string | undefined;
}

/**
 * The store's connection to its database.
 *
 * It is made when it is first needed, and made anew after the file failed, so a store heals by itself when its file comes back.
 * A database that was given by the user stays the user's: it is neither closed nor replaced.
 */
export class Connection {
    readonly #given: DatabaseSync | undefined;
    readonly #location: string;
    readonly #open: (location: string) => DatabaseSync;
    #current: OpenDatabase | undefined;
    #generation = 0;
    /** Whether the location has led to a file before. */
    #hadFile = false;

    /** @throws {TransportStoreError} `STORE_MISUSED` if the location is none, or Node has no SQLite. */
    constructor(location: string | URL | DatabaseSync) {
        const { DatabaseSync } = loadNodeSqlite();
        this.#open = path => new DatabaseSync(path);
        this.#given = location instanceof DatabaseSync ? location : undefined;
        this.#location = location instanceof DatabaseSync ? '' : toPath(location);
    }

    /** Changes whenever the connection is made anew. */
    get generation(): number {
        return this.#generation;
    }

    /** Whether there is a connection now. */
    get isOpen(): boolean {
        return this.#current !== undefined;
    }

    /** Whether a transaction that somebody else has begun on this connection can be in the way. */
    get isShared(): boolean {
        return this.#given !== undefined;
    }

    /**
     * The open database.
     *
     * @throws whatever opening throws, for instance a lock failure that is worth a repetition.
     */
    sql(): Sql {
        if (this.#current === undefined) {
            this.#current = this.#given === undefined ? this.#openFile() : prepared(this.#given, undefined);
            this.#generation += 1;
        }
        return this.#current.sql;
    }

    /** Turns an error of the backend into one of the store, and gives up the connection if that is what has failed. */
    failed(error: unknown): TransportStoreError {
        if (isConnectionFailure(error)) {
            this.#drop();
        } else if (resultCodeOf(error) === resultCodes.error && this.#current !== undefined) {
            // Statements that worked once fail if a newer server has migrated the file meanwhile.
            try {
                checkVersion(this.#current.sql);
            } catch (refusal) {
                return toStoreError(refusal);
            }
        }
        return toStoreError(error);
    }

    /**
     * Gives up the connection if its file was removed or replaced: other processes would not see what is written to it.
     *
     * @throws {TransportStoreError} if the database was migrated by a newer server.
     */
    checkFile(): void {
        if (this.#current === undefined) {
            return;
        }
        if (this.#current.file !== undefined && this.#current.file !== identify(this.#location)) {
            this.#drop();
        } else {
            checkVersion(this.#current.sql);
        }
    }

    /** Closes the connection, unless it is the user's. Using it again opens it again. */
    close(): void {
        this.#drop();
    }

    #openFile(): OpenDatabase {
        if (this.#hadFile && identify(this.#location) === undefined) {
            // SQLite would make a new one, and all sessions would be gone, perhaps only because a disk is not mounted.
            throw new TransportStoreError(
                'STORE_UNAVAILABLE',
                `The file of the SQLite transport store is gone: ${this.#location}. Bring it back, or restart the servers to begin without sessions.`
            );
        }
        const database = this.#open(this.#location);
        try {
            const opened = prepared(database, identify(this.#location));
            this.#hadFile ||= opened.file !== undefined;
            return opened;
        } catch (error) {
            database.close();
            throw error;
        }
    }

    #drop(): void {
        const current = this.#current;
        this.#current = undefined;
        if (current !== undefined && this.#given === undefined) {
            current.database.close();
        }
    }
}

function prepared(database: DatabaseSync, file: string | undefined): OpenDatabase {
    const sql = new Sql(database);
    prepareDatabase(sql);
    return { database, sql, file };
}

function toPath(location: string | URL): string {
    if (typeof location !== 'string' && location.protocol !== 'file:') {
        throw new TransportStoreError('STORE_MISUSED', `The SQLite transport store needs a path or a file: URL, not ${location.href}.`);
    }
    const path = typeof location === 'string' ? location : fileURLToPath(location);
    if (path === '') {
        throw new TransportStoreError('STORE_MISUSED', 'The SQLite transport store needs the path of its file, or ":memory:".');
    }
    return path;
}

/** @returns what tells a file from another one with the same name; `undefined` if the location is no file. */
function identify(location: string): string | undefined {
    const stats = statSync(location, { bigint: true, throwIfNoEntry: false });
    return stats === undefined ? undefined : `${stats.dev}:${stats.ino}`;
}

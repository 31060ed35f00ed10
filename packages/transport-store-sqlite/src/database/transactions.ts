import { TransportStoreError } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from './connection.js';
import { closedError, isLockFailure, resultCodeOf, resultCodes } from './failures.js';
import type { Sql } from './sql.js';

/** Most writes that share a transaction. */
const maxGroupSize = 128;
/** Milliseconds after which the writes at hand let the rest of the process go on, and others get at the file. */
const maxTurnMs = 4;
/** Longest pause in milliseconds between two attempts to get a lock. */
const maxPauseMs = 10;

interface WaitingWrite {
    /** Time of `performance.now()` after which the write is given up. */
    readonly giveUpAt: number;
    /** Does the work within a transaction; repeated when the transaction is. */
    attempt(sql: Sql): void;
    succeed(): void;
    fail(error: unknown): void;
}

/**
 * Runs the store's work in transactions, and waits for the locks of other processes.
 *
 * SQLite calls block the process, so a lock that is taken is waited for with timers, not inside SQLite. Writes happen in the order in
 * which they were asked for, and those that come together share a transaction: most of the cost is in its commit. As the pieces of work
 * may be repeated, they must not have effects outside the database.
 */
export class Transactions {
    readonly #connection: Connection;
    readonly #lockWaitMs: number;
    readonly #writes: WaitingWrite[] = [];
    /** How many of the next writes get a transaction of their own, because the one that they shared failed. */
    #unsharedWrites = 0;
    #isScheduled = false;
    #lockFailures = 0;
    #isFinished = false;

    constructor(connection: Connection, lockWaitMs: number) {
        this.#connection = connection;
        this.#lockWaitMs = lockWaitMs;
    }

    /** Reads with one statement; several might see different states of the database. */
    async read<T>(work: (sql: Sql) => T): Promise<T> {
        this.#assertUsable();
        const giveUpAt = performance.now() + this.#lockWaitMs;
        for (let failures = 1; ; failures++) {
            try {
                return work(this.#connection.sql());
            } catch (error) {
                if (!isLockFailure(error) || performance.now() >= giveUpAt) {
                    throw this.#connection.failed(error);
                }
            }
            await delay(pauseAfter(failures));
        }
    }

    /** Reads one state of the database with any number of statements. */
    async readTogether<T>(work: (sql: Sql) => T): Promise<T> {
        return this.read(sql => this.#inTransaction(sql, 'BEGIN', () => work(sql)));
    }

    /** Reads and writes in one atomic step. */
    async write<T>(work: (sql: Sql) => T): Promise<T> {
        this.#assertUsable();
        return this.#enqueue(work);
    }

    /** Accepts nothing more, and resolves when what was accepted is done. */
    async finish(): Promise<void> {
        this.#isFinished = true;
        if (this.#writes.length > 0) {
            // Whether it succeeds is of no interest: its turn comes after all others.
            await this.#enqueue(() => {}).catch(() => {});
        }
    }

    #assertUsable(): void {
        if (this.#isFinished) {
            throw closedError();
        }
    }

    #enqueue<T>(work: (sql: Sql) => T): Promise<T> {
        return new Promise((resolve, reject) => {
            let finish: () => void;
            this.#writes.push({
                giveUpAt: performance.now() + this.#lockWaitMs,
                attempt: sql => {
                    const result = work(sql);
                    finish = () => resolve(result);
                },
                succeed: () => finish(),
                fail: reject
            });
            if (!this.#isScheduled) {
                this.#isScheduled = true;
                // Not at once: what else this turn of the event loop writes joins the transaction.
                setImmediate(() => this.#takeTurn());
            }
        });
    }

    #takeTurn(): void {
        const turnEndsAt = performance.now() + maxTurnMs;
        while (this.#writes.length > 0) {
            if (!this.#commitSome(turnEndsAt)) {
                this.#lockFailures += 1;
                setTimeout(() => this.#takeTurn(), pauseAfter(this.#lockFailures));
                return;
            }
            this.#lockFailures = 0;
            if (performance.now() >= turnEndsAt) {
                setImmediate(() => this.#takeTurn());
                return;
            }
        }
        this.#isScheduled = false;
    }

    /**
     * Commits some of the first writes, or finds out that the first one fails.
     * @returns false if a lock is in the way.
     */
    #commitSome(turnEndsAt: number): boolean {
        const size = this.#unsharedWrites > 0 ? 1 : Math.min(this.#writes.length, maxGroupSize);
        let done = 0;
        try {
            const sql = this.#connection.sql();
            this.#inTransaction(sql, 'BEGIN IMMEDIATE', () => {
                for (const write of this.#writes.slice(0, size)) {
                    write.attempt(sql);
                    done += 1;
                    if (performance.now() >= turnEndsAt) {
                        break;
                    }
                }
            });
        } catch (error) {
            if (isLockFailure(error)) {
                this.#giveUpOverdue(error);
                return false;
            }
            if (size > 1) {
                this.#unsharedWrites = done + 1;
                return true;
            }
            done = 0;
            this.#writes.shift()?.fail(this.#connection.failed(error));
        }
        for (const write of this.#writes.splice(0, done)) {
            write.succeed();
        }
        this.#unsharedWrites = Math.max(0, this.#unsharedWrites - 1);
        return true;
    }

    #inTransaction<T>(sql: Sql, begin: 'BEGIN' | 'BEGIN IMMEDIATE', work: () => T): T {
        try {
            sql.run(begin);
        } catch (error) {
            if (this.#connection.isShared && resultCodeOf(error) === resultCodes.error) {
                throw new TransportStoreError(
                    'STORE_MISUSED',
                    'A transaction is open on the database that was given to the SQLite transport store. ' +
                        'Give the store a connection of its own, or end transactions before anything is awaited.',
                    { cause: error }
                );
            }
            throw error;
        }
        try {
            const result = work();
            sql.run('COMMIT');
            return result;
        } catch (error) {
            rollBack(sql);
            throw error;
        }
    }

    /** Gives up the writes that have waited for locks too long. They are the first, as they came in this order. */
    #giveUpOverdue(lockFailure: unknown): void {
        const now = performance.now();
        const firstToKeep = this.#writes.findIndex(({ giveUpAt }) => giveUpAt > now);
        for (const write of this.#writes.splice(0, firstToKeep === -1 ? this.#writes.length : firstToKeep)) {
            write.fail(this.#connection.failed(lockFailure));
        }
    }
}

function rollBack(sql: Sql): void {
    try {
        sql.run('ROLLBACK');
    } catch {
        // SQLite has rolled back already, as it does when, say, the disk is full. The error that counts is the first one.
    }
}

/** Grows with the failures, and is random so that processes don't keep meeting. */
function pauseAfter(failures: number): number {
    return 1 + Math.random() * Math.min(failures, maxPauseMs);
}

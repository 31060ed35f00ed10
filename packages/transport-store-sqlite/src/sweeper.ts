import type { Connection } from './database/connection.js';
import type { Sql } from './database/sql.js';
import type { Transactions } from './database/transactions.js';
import { endSession } from './sessionRecords.js';
import { hasExpired, isForgettable, saveStream, storedStream, streamAt, streamColumns, type StoredStream } from './streams/streamState.js';

/** Most sessions, and most streams, looked at in one step. */
const rowsPerStep = 100;
/** Most events, and most messages, removed in one step. */
const itemsPerStep = 1000;
/** Milliseconds between two steps when there is more to do. */
const busyIntervalMs = 25;

/**
 * Removes what has expired, a little at a time, so that no request ever waits for the removal of much.
 *
 * Every process that uses the file sweeps, without taking turns: what one has removed, another doesn't find.
 */
export class Sweeper {
    readonly #connection: Connection;
    readonly #transactions: Transactions;
    readonly #intervalMs: number;
    #timer: NodeJS.Timeout | undefined;
    #isStopped = false;

    constructor(connection: Connection, transactions: Transactions, intervalMs: number) {
        this.#connection = connection;
        this.#transactions = transactions;
        this.#intervalMs = intervalMs;
        this.#schedule(intervalMs);
    }

    stop(): void {
        this.#isStopped = true;
        clearTimeout(this.#timer);
    }

    #schedule(delayMs: number): void {
        if (!this.#isStopped) {
            // Spread, so that processes that were started together don't sweep together.
            this.#timer = setTimeout(() => void this.#sweep(), delayMs * (1 - Math.random() / 4)).unref();
        }
    }

    async #sweep(): Promise<void> {
        let hasMore = false;
        // An unused store leaves its file alone.
        if (this.#connection.isOpen) {
            try {
                this.#connection.checkFile();
                const isDue = await this.#transactions.read(sql => isAnythingDue(sql, Date.now()));
                hasMore = isDue && (await this.#transactions.write(sql => sweepStep(sql, Date.now())));
            } catch {
                // Whoever uses the store meets the same failure and is told. Sweeping can wait.
            }
        }
        this.#schedule(hasMore ? busyIntervalMs : this.#intervalMs);
    }
}

function isAnythingDue(sql: Sql, now: number): boolean {
    const row = sql.get(
        `SELECT EXISTS (SELECT 1 FROM session WHERE sweep_at <= ?)
             OR EXISTS (SELECT 1 FROM ended_session)
             OR EXISTS (SELECT 1 FROM stream WHERE sweep_at <= ?)
             OR EXISTS (SELECT 1 FROM node WHERE lease_ends_at <= ?) AS due`,
        now,
        now,
        now
    );
    return row?.integer('due') === 1;
}

/** @returns whether there may be more to do. */
export function sweepStep(sql: Sql, now: number): boolean {
    // All of them, each with its own bound.
    const hasMore = [sweepSessions(sql, now), sweepEndedSessions(sql), sweepStreams(sql, now), sweepNodes(sql, now)];
    return hasMore.includes(true);
}

function sweepSessions(sql: Sql, now: number): boolean {
    const due = sql.all('SELECT id, key, expires_at FROM session WHERE sweep_at <= ? ORDER BY sweep_at LIMIT ?', now, rowsPerStep);
    for (const row of due) {
        const id = row.text('id');
        const expiresAt = row.integer('expires_at');
        if (expiresAt <= now) {
            endSession(sql, id, row.integer('key'));
        } else {
            // It was renewed since.
            sql.run('UPDATE session SET sweep_at = ? WHERE id = ?', expiresAt, id);
        }
    }
    return due.length === rowsPerStep;
}

function sweepEndedSessions(sql: Sql): boolean {
    let itemsLeft = itemsPerStep;
    const ended = sql.all('SELECT key FROM ended_session ORDER BY key LIMIT ?', rowsPerStep).map(row => row.integer('key'));
    for (const session of ended) {
        const streams = sql.all('SELECT key FROM stream WHERE session = ? LIMIT ?', session, rowsPerStep).map(row => row.integer('key'));
        for (const stream of streams) {
            itemsLeft -= removeEvents(sql, stream, itemsLeft);
            if (itemsLeft === 0) {
                return true;
            }
            sql.run('DELETE FROM stream WHERE key = ?', stream);
        }
        if (streams.length === rowsPerStep) {
            return true;
        }
        sql.run('DELETE FROM ended_session WHERE key = ?', session);
    }
    return ended.length === rowsPerStep;
}

function sweepStreams(sql: Sql, now: number): boolean {
    let itemsLeft = itemsPerStep;
    const due = sql
        .all(`SELECT ${streamColumns} FROM stream WHERE sweep_at <= ? ORDER BY sweep_at LIMIT ?`, now, rowsPerStep)
        .map(row => storedStream(row));
    for (const stream of due) {
        if (hasExpired(stream.state, now)) {
            itemsLeft -= removeEvents(sql, stream.key, itemsLeft);
            if (itemsLeft === 0) {
                return true;
            }
        }
        settleStream(sql, stream, now);
    }
    return due.length === rowsPerStep;
}

/** Writes what becomes of a stream whose expired events are gone. */
function settleStream(sql: Sql, stream: StoredStream, now: number): void {
    const state = streamAt(stream.state, now);
    if (state.expiresAt === undefined && isForgettable(state)) {
        sql.run('DELETE FROM stream WHERE key = ?', stream.key);
        return;
    }
    if (state !== stream.state) {
        saveStream(sql, stream, state);
    }
    sql.run('UPDATE stream SET sweep_at = ? WHERE key = ?', state.expiresAt ?? null, stream.key);
}

function sweepNodes(sql: Sql, now: number): boolean {
    let itemsLeft = itemsPerStep;
    const dead = sql.all('SELECT key FROM node WHERE lease_ends_at <= ? LIMIT ?', now, rowsPerStep).map(row => row.integer('key'));
    for (const node of dead) {
        itemsLeft -= sql.run(
            `DELETE FROM message WHERE node = ? AND number <= coalesce(
                 (SELECT number FROM message WHERE node = ? ORDER BY number LIMIT 1 OFFSET ?), 9223372036854775807)`,
            node,
            node,
            itemsLeft - 1
        );
        if (itemsLeft === 0) {
            return true;
        }
        sql.run('DELETE FROM node WHERE key = ?', node);
    }
    return dead.length === rowsPerStep;
}

/** @returns how many events were removed; as many as allowed means that there may be more. */
function removeEvents(sql: Sql, stream: number, limit: number): number {
    return sql.run(
        `DELETE FROM event WHERE stream = ? AND position <= coalesce(
             (SELECT position FROM event WHERE stream = ? ORDER BY position LIMIT 1 OFFSET ?), 9223372036854775807)`,
        stream,
        stream,
        limit - 1
    );
}

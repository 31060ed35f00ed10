import {
    type AppendResult,
    type EventStreams,
    type HoldResult,
    type PublishResult,
    type ReadResult,
    type StreamRetention,
    TransportStoreError
} from '@modelcontextprotocol/sdk/server/transportStore.js';
import type { Sql } from '../database/sql.js';
import { toStoredText } from '../database/storedText.js';
import type { Transactions } from '../database/transactions.js';
import { timeAfter } from '../expiry.js';
import {
    hasExpired,
    newStream,
    saveStream,
    streamAt,
    streamColumns,
    storedStream,
    type StoredStream,
    type StreamState,
    type WritingKind
} from './streamState.js';
import { trimStream } from './trimStream.js';

/** Where a stream is: its session, and the stream itself if there is one. */
interface Place {
    readonly session: number;
    readonly stream: StoredStream | undefined;
}

interface NumberedEvent {
    readonly number: number;
    readonly data: string;
}

/** {@link EventStreams} in SQLite. Positions are integers: those of the producer, or counted from 1. */
export class SqliteEventStreams implements EventStreams {
    readonly #transactions: Transactions;

    constructor(transactions: Transactions) {
        this.#transactions = transactions;
    }

    async append(
        sessionId: string,
        streamId: string,
        events: readonly NumberedEvent[],
        options: StreamRetention & { readonly close?: boolean | undefined }
    ): Promise<AppendResult> {
        const close = options.close === true;
        return this.#transactions.write(sql => {
            const now = Date.now();
            const place = find(sql, sessionId, streamId, now);
            if (place === undefined) {
                return { status: 'missing' };
            }
            const state = stateToWrite(place, 'append', now);
            if (state.closed) {
                return { status: 'closed' };
            }
            const added = newerThan(state.last, events);
            if (added.length > 0 || close) {
                add(sql, place, streamId, { ...state, kind: 'append', closed: close }, added, options, now);
            }
            return { status: 'ok', holder: state.holder };
        });
    }

    async publish(sessionId: string, streamId: string, data: readonly string[], retention: StreamRetention): Promise<PublishResult> {
        return this.#transactions.write(sql => {
            const now = Date.now();
            const place = find(sql, sessionId, streamId, now);
            if (place === undefined) {
                return { status: 'missing' };
            }
            const state = stateToWrite(place, 'publish', now);
            const previous = Math.max(state.last, 0);
            const first = previous + 1;
            const added = data.map((text, index) => ({ number: first + index, data: text }));
            if (added.length > 0) {
                add(sql, place, streamId, { ...state, kind: 'publish' }, added, retention, now);
            }
            return { status: 'ok', positions: added.map(({ number }) => String(number)), previous: String(previous), holder: state.holder };
        });
    }

    async read(sessionId: string, streamId: string, after: string | undefined, limit: number): Promise<ReadResult> {
        return this.#transactions.readTogether(sql => {
            const now = Date.now();
            const stream = find(sql, sessionId, streamId, now)?.stream;
            const state = stream === undefined ? newStream : streamAt(stream.state, now);
            if (stream === undefined || (state.expiresAt === undefined && state.holder === undefined)) {
                return { status: 'unknown' };
            }
            const start = after === undefined ? -1 : toNumber(after);
            if (start === undefined || (after !== undefined && start < state.trimmed)) {
                return { status: 'trimmed' };
            }
            const events =
                state.kept === 0
                    ? []
                    : sql
                          .all(
                              'SELECT position, data FROM event WHERE stream = ? AND position > ? ORDER BY position LIMIT ?',
                              stream.key,
                              start,
                              limit
                          )
                          .map(row => ({ position: String(row.integer('position')), data: row.text('data') }));
            const isAtEnd = events.length < limit || events.at(-1)?.position === String(state.last);
            return { status: 'ok', events, closed: state.closed && isAtEnd };
        });
    }

    async hold(sessionId: string, streamId: string, holder: string): Promise<HoldResult> {
        return this.#transactions.write(sql => {
            const now = Date.now();
            const place = find(sql, sessionId, streamId, now);
            if (place === undefined) {
                return { status: 'missing' };
            }
            const state = place.stream === undefined ? newStream : streamAt(place.stream.state, now);
            if (place.stream !== undefined && state !== place.stream.state) {
                dropEvents(sql, place.stream.key);
            }
            saveStream(sql, place.stream ?? addStream(sql, place.session, streamId), { ...state, holder });
            return { status: 'ok', previous: state.holder };
        });
    }

    async release(sessionId: string, streamId: string, holder: string, successor?: string): Promise<void> {
        return this.#transactions.write(sql => {
            // Whether the stream is of any use without its holder is for the sweeper to see.
            sql.run(
                `UPDATE stream SET holder = ?, sweep_at = coalesce(expires_at, 0)
                 WHERE session = (SELECT key FROM session WHERE id = ?) AND id = ? AND holder = ?`,
                successor ?? null,
                sessionId,
                streamId,
                holder
            );
        });
    }
}

/** @returns `undefined` if there is no such session. */
function find(sql: Sql, sessionId: string, streamId: string, now: number): Place | undefined {
    const row = sql.get(
        `SELECT session.key AS session, ${streamColumns}
         FROM session LEFT JOIN stream ON stream.session = session.key AND stream.id = ?
         WHERE session.id = ? AND session.expires_at > ?`,
        streamId,
        sessionId,
        now
    );
    if (row === undefined) {
        return undefined;
    }
    return { session: row.integer('session'), stream: row.optionalInteger('key') === undefined ? undefined : storedStream(row) };
}

/** @returns the state on which a write builds. */
function stateToWrite({ stream }: Place, kind: WritingKind, now: number): StreamState {
    const state = stream === undefined ? newStream : streamAt(stream.state, now);
    if (state.kind !== undefined && state.kind !== kind) {
        throw new TransportStoreError(
            'STORE_MISUSED',
            'A stream is either appended to by its one producer or published to by many; this one was written in the other way before.'
        );
    }
    return state;
}

/** Adds events to a stream, which is made if there is none. */
function add(
    sql: Sql,
    place: Place,
    streamId: string,
    state: StreamState,
    events: readonly NumberedEvent[],
    { ttlMs, maxEvents }: StreamRetention,
    now: number
): void {
    const stream = place.stream ?? addStream(sql, place.session, streamId);
    if (hasExpired(stream.state, now)) {
        dropEvents(sql, stream.key);
    }
    for (const { number, data } of events) {
        sql.run('INSERT INTO event (stream, position, at, data) VALUES (?, ?, ?, ?)', stream.key, number, now, toStoredText(data));
    }
    const written: StreamState = {
        ...state,
        last: events.at(-1)?.number ?? state.last,
        kept: state.kept + events.length,
        oldestAt: state.oldestAt ?? (events.length > 0 ? now : undefined),
        expiresAt: timeAfter(now, ttlMs)
    };
    saveStream(sql, stream, trimStream(sql, stream.key, written, { ttlMs, maxEvents }, now));
}

function addStream(sql: Sql, session: number, id: string): StoredStream {
    const row = sql.get(
        `INSERT INTO stream (session, id, closed, last, trimmed, kept) VALUES (?, ?, 0, -1, -1, 0) RETURNING ${streamColumns}`,
        session,
        id
    );
    if (row === undefined) {
        throw new TransportStoreError('STORE_UNAVAILABLE', 'SQLite did not return the row that it inserted.');
    }
    return storedStream(row);
}

/** Leaves out what was appended before, and what is out of order. */
function newerThan(position: number, events: readonly NumberedEvent[]): readonly NumberedEvent[] {
    let last = position;
    const newer = [];
    for (const event of events) {
        if (event.number > last) {
            last = event.number;
            newer.push(event);
        }
    }
    return newer;
}

function dropEvents(sql: Sql, stream: number): void {
    sql.run('DELETE FROM event WHERE stream = ?', stream);
}

/** @returns the number of a position, `undefined` for one that no stream of this store ever had. */
function toNumber(position: string): number | undefined {
    return /^\d{1,64}$/.test(position) ? Math.min(Number(position), Number.MAX_SAFE_INTEGER) : undefined;
}

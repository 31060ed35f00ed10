import { TransportStoreError } from '@modelcontextprotocol/sdk/server/transportStore.js';
import type { Row } from '../database/row.js';
import type { Sql } from '../database/sql.js';

/** Which of the two ways of writing a stream is written in. */
export type WritingKind = 'append' | 'publish';

/** What is known of a stream, apart from its events. */
export interface StreamState {
    /** Set by the first write. */
    readonly kind: WritingKind | undefined;
    readonly closed: boolean;
    /** Position of the newest event there ever was; -1 if there was none. */
    readonly last: number;
    /** Position of the newest event that is no longer kept; -1 if there is none. A reader who has not come as far has missed something. */
    readonly trimmed: number;
    /** How many events are kept. */
    readonly kept: number;
    /** When the oldest event that is kept was written. */
    readonly oldestAt: number | undefined;
    readonly holder: string | undefined;
    /** When the events are dropped; `undefined` if there is nothing to drop: the stream was not written to, or not since. */
    readonly expiresAt: number | undefined;
}

/** A stream that has a row in the database. */
export interface StoredStream {
    readonly key: number;
    readonly state: StreamState;
    /** Whether the sweeper has the stream on its list. */
    readonly isSwept: boolean;
}

/** The columns that {@link storedStream} needs. */
export const streamColumns =
    'stream.key, stream.kind, stream.closed, stream.last, stream.trimmed, stream.kept, stream.oldest_at, stream.holder, ' +
    'stream.expires_at, stream.sweep_at';

export const newStream: StreamState = {
    kind: undefined,
    closed: false,
    last: -1,
    trimmed: -1,
    kept: 0,
    oldestAt: undefined,
    holder: undefined,
    expiresAt: undefined
};

export function storedStream(row: Row): StoredStream {
    return {
        key: row.integer('key'),
        state: {
            kind: toKind(row.optionalText('kind')),
            closed: row.integer('closed') !== 0,
            last: row.integer('last'),
            trimmed: row.integer('trimmed'),
            kept: row.integer('kept'),
            oldestAt: row.optionalInteger('oldest_at'),
            holder: row.optionalText('holder'),
            expiresAt: row.optionalInteger('expires_at')
        },
        isSwept: row.optionalInteger('sweep_at') !== undefined
    };
}

export function hasExpired({ expiresAt }: StreamState, now: number): boolean {
    return expiresAt !== undefined && expiresAt <= now;
}

/**
 * What a stream is at a time: without its events, if their time is over.
 *
 * A stream that may still be written to then remembers how far it had come, or a reader with an old position would take what is written
 * next for all that there was. A closed one is as if it had never been.
 */
export function streamAt(state: StreamState, now: number): StreamState {
    if (!hasExpired(state, now)) {
        return state;
    }
    return state.closed ? newStream : { ...state, trimmed: state.last, kept: 0, oldestAt: undefined, expiresAt: undefined };
}

/** Whether nothing would be lost without the stream. */
export function isForgettable({ kind, holder }: StreamState): boolean {
    return kind === undefined && holder === undefined;
}

/** Writes a changed state; the stream is swept when its events expire. */
export function saveStream(sql: Sql, stream: StoredStream, state: StreamState): void {
    sql.run(
        `UPDATE stream SET kind = ?, closed = ?, last = ?, trimmed = ?, kept = ?, oldest_at = ?, holder = ?, expires_at = ?
         WHERE key = ?`,
        state.kind ?? null,
        state.closed ? 1 : 0,
        state.last,
        state.trimmed,
        state.kept,
        state.oldestAt ?? null,
        state.holder ?? null,
        state.expiresAt ?? null,
        stream.key
    );
    if (!stream.isSwept && state.expiresAt !== undefined) {
        sql.run('UPDATE stream SET sweep_at = ? WHERE key = ?', state.expiresAt, stream.key);
    }
}

function toKind(text: string | undefined): WritingKind | undefined {
    if (text === undefined || text === 'append' || text === 'publish') {
        return text;
    }
    throw new TransportStoreError(
        'STORE_CORRUPT',
        'The database of the SQLite transport store holds a stream of an unknown kind. ' +
            'Stop the servers that use the file and remove or repair it.'
    );
}

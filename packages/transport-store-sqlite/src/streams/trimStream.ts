import type { StreamRetention } from '@modelcontextprotocol/sdk/server/transportStore.js';
import type { Row } from '../database/row.js';
import type { Sql } from '../database/sql.js';
import type { StreamState } from './streamState.js';

/**
 * Removes the oldest events of a stream if there are too many, or they are too old. Waits until it is worth it: until there are a tenth
 * or 100 events more than allowed, or events that are a tenth older.
 *
 * @returns the state afterwards.
 */
export function trimStream(sql: Sql, stream: number, state: StreamState, { ttlMs, maxEvents }: StreamRetention, now: number): StreamState {
    let trimmed = state;
    const surplus = state.kept - maxEvents;
    if (surplus > Math.max(100, maxEvents / 10)) {
        const firstToKeep = sql.get('SELECT position, at FROM event WHERE stream = ? ORDER BY position LIMIT 1 OFFSET ?', stream, surplus);
        trimmed = removeBefore(sql, stream, trimmed, firstToKeep);
    }
    if (trimmed.oldestAt !== undefined && trimmed.oldestAt < now - ttlMs * 1.1) {
        const youngEnough = Math.floor(now - ttlMs);
        const firstToKeep = sql.get(
            'SELECT position, at FROM event WHERE stream = ? AND at > ? ORDER BY position LIMIT 1',
            stream,
            youngEnough
        );
        trimmed = removeBefore(sql, stream, trimmed, firstToKeep);
    }
    return trimmed;
}

/** @param firstToKeep none if all events are to be removed. */
function removeBefore(sql: Sql, stream: number, state: StreamState, firstToKeep: Row | undefined): StreamState {
    if (firstToKeep === undefined) {
        sql.run('DELETE FROM event WHERE stream = ?', stream);
        return { ...state, trimmed: state.last, kept: 0, oldestAt: undefined };
    }
    const position = firstToKeep.integer('position');
    const newestToGo = sql
        .get('SELECT max(position) AS position FROM event WHERE stream = ? AND position < ?', stream, position)
        ?.optionalInteger('position');
    const removed = sql.run('DELETE FROM event WHERE stream = ? AND position < ?', stream, position);
    return { ...state, trimmed: newestToGo ?? state.trimmed, kept: state.kept - removed, oldestAt: firstToKeep.integer('at') };
}

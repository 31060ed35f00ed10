import {
    type NewSession,
    type SessionAccess,
    type SessionRecords,
    type SessionRefusal,
    type StoredSession,
    TransportStoreError
} from '@modelcontextprotocol/sdk/server/transportStore.js';
import type { Sql } from './database/sql.js';
import { toStoredText } from './database/storedText.js';
import type { Transactions } from './database/transactions.js';
import { timeAfter } from './expiry.js';

/** A session that exists. */
interface LiveSession {
    readonly key: number;
    readonly principal: string | undefined;
    readonly revision: number;
    readonly expiresAt: number;
    readonly endsAt: number;
}

const missing: SessionRefusal = { status: 'missing' };
const forbidden: SessionRefusal = { status: 'forbidden' };

/**
 * {@link SessionRecords} in SQLite.
 *
 * Most requests renew the session that they belong to. So that not each of them writes to the disk, a renewal grants a little more time
 * than was asked for, and renewals that this time covers only read.
 */
export class SqliteSessionRecords implements SessionRecords {
    readonly #transactions: Transactions;

    constructor(transactions: Transactions) {
        this.#transactions = transactions;
    }

    create(sessionId: string, session: NewSession): Promise<boolean> {
        return this.#transactions.write(sql => {
            const now = Date.now();
            const previous = sql.get('SELECT key, expires_at FROM session WHERE id = ?', sessionId);
            if (previous !== undefined) {
                if (previous.integer('expires_at') > now) {
                    return false;
                }
                endSession(sql, sessionId, previous.integer('key'));
            }
            const endsAt = timeAfter(now, session.maxAgeMs ?? Infinity);
            const expiresAt = renewedExpiry(now, session.ttlMs, endsAt);
            const key = insertContent(sql, session);
            sql.run(
                'INSERT INTO session (id, key, revision, expires_at, ends_at, sweep_at, principal) VALUES (?, ?, 1, ?, ?, ?, ?)',
                sessionId,
                key,
                expiresAt,
                endsAt,
                expiresAt,
                session.principal === undefined ? null : toStoredText(session.principal)
            );
            if (session.node !== undefined) {
                addNode(sql, key, session.node);
            }
            return true;
        });
    }

    async touch(sessionId: string, access: SessionAccess): Promise<{ readonly status: 'ok'; readonly revision: number } | SessionRefusal> {
        const seen = await this.#transactions.read(sql => {
            const now = Date.now();
            const found = admit(sql, sessionId, access.principal, now);
            return 'status' in found || lastsLongEnough(found, access.ttlMs, now) ? found : undefined;
        });
        const session =
            seen ??
            (await this.#transactions.write(sql => {
                const now = Date.now();
                const found = admit(sql, sessionId, access.principal, now);
                if (!('status' in found)) {
                    renew(sql, sessionId, found, access.ttlMs, now);
                }
                return found;
            }));
        return 'status' in session ? session : { status: 'ok', revision: session.revision };
    }

    open(
        sessionId: string,
        access: SessionAccess & { readonly node?: string | undefined }
    ): Promise<{ readonly status: 'ok'; readonly session: StoredSession } | SessionRefusal> {
        return this.#transactions.write(sql => {
            const now = Date.now();
            const found = admit(sql, sessionId, access.principal, now);
            if ('status' in found) {
                return found;
            }
            renew(sql, sessionId, found, access.ttlMs, now);
            if (access.node !== undefined) {
                addNode(sql, found.key, access.node);
            }
            const { record, state } = readContent(sql, found.key);
            return { status: 'ok', session: { record, state, revision: found.revision } };
        });
    }

    update(sessionId: string, state: Readonly<Record<string, string>>): Promise<number | undefined> {
        return this.#transactions.write(sql => {
            const now = Date.now();
            const found = sql.get(
                'UPDATE session SET revision = revision + 1 WHERE id = ? AND expires_at > ? RETURNING key, revision',
                sessionId,
                now
            );
            if (found === undefined) {
                return undefined;
            }
            const key = found.integer('key');
            const merged = { ...readContent(sql, key).state, ...state };
            sql.run('UPDATE session_content SET state = ? WHERE key = ?', JSON.stringify(merged), key);
            return found.integer('revision');
        });
    }

    nodes(sessionId: string): Promise<readonly string[]> {
        return this.#transactions.read(sql =>
            sql
                .all(
                    `SELECT node FROM session JOIN session_node ON session_node.session = session.key
                     WHERE session.id = ? AND session.expires_at > ?`,
                    sessionId,
                    Date.now()
                )
                .map(row => row.text('node'))
        );
    }

    leave(sessionId: string, node: string): Promise<void> {
        return this.#transactions.write(sql => {
            sql.run('DELETE FROM session_node WHERE session = (SELECT key FROM session WHERE id = ?) AND node = ?', sessionId, node);
        });
    }

    delete(
        sessionId: string,
        access: { readonly principal?: string | undefined }
    ): Promise<{ readonly status: 'ok'; readonly nodes: readonly string[] } | SessionRefusal> {
        return this.#transactions.write(sql => {
            const found = admit(sql, sessionId, access.principal, Date.now());
            if ('status' in found) {
                return found;
            }
            const nodes = sql.all('SELECT node FROM session_node WHERE session = ?', found.key).map(row => row.text('node'));
            endSession(sql, sessionId, found.key);
            return { status: 'ok', nodes };
        });
    }
}

/** Removes a session. Its streams, which may be large, can no longer be found from now on, and are left to the sweeper. */
export function endSession(sql: Sql, id: string, key: number): void {
    sql.run('DELETE FROM session WHERE id = ?', id);
    sql.run('DELETE FROM session_content WHERE key = ?', key);
    sql.run('DELETE FROM session_node WHERE session = ?', key);
    sql.run('INSERT INTO ended_session (key) VALUES (?)', key);
}

/** Finds a session and checks whose it is. */
function admit(sql: Sql, sessionId: string, principal: string | undefined, now: number): LiveSession | SessionRefusal {
    const row = sql.get('SELECT key, principal, revision, expires_at, ends_at FROM session WHERE id = ?', sessionId);
    if (row === undefined || row.integer('expires_at') <= now) {
        return missing;
    }
    const session = {
        key: row.integer('key'),
        principal: row.optionalText('principal'),
        revision: row.integer('revision'),
        expiresAt: row.integer('expires_at'),
        endsAt: row.integer('ends_at')
    };
    return session.principal === principal ? session : forbidden;
}

function lastsLongEnough({ expiresAt, endsAt }: LiveSession, ttlMs: number, now: number): boolean {
    return expiresAt >= Math.min(timeAfter(now, ttlMs), endsAt);
}

function renew(sql: Sql, id: string, session: LiveSession, ttlMs: number, now: number): void {
    if (!lastsLongEnough(session, ttlMs, now)) {
        sql.run('UPDATE session SET expires_at = ? WHERE id = ?', renewedExpiry(now, ttlMs, session.endsAt), id);
    }
}

/** A tenth of the lifetime is granted in addition, at most a second, and none of it beyond the absolute end. */
function renewedExpiry(now: number, ttlMs: number, endsAt: number): number {
    return Math.min(timeAfter(now, ttlMs + Math.min(ttlMs / 10, 1000)), endsAt);
}

function addNode(sql: Sql, session: number, node: string): void {
    sql.run('INSERT OR IGNORE INTO session_node (session, node) VALUES (?, ?)', session, node);
}

/** @returns the key of what the session holds, and of everything that belongs to it. */
function insertContent(sql: Sql, { record, state }: NewSession): number {
    const row = sql.get(
        'INSERT INTO session_content (state, record) VALUES (?, ?) RETURNING key',
        JSON.stringify(state),
        toStoredText(record)
    );
    return row?.integer('key') ?? refuseContent();
}

function readContent(sql: Sql, key: number): { readonly record: string; readonly state: Readonly<Record<string, string>> } {
    const row = sql.get('SELECT record, state FROM session_content WHERE key = ?', key);
    return row === undefined ? refuseContent() : { record: row.text('record'), state: parseState(row.text('state')) };
}

function parseState(text: string): Readonly<Record<string, string>> {
    try {
        const state: unknown = JSON.parse(text);
        if (isState(state)) {
            return state;
        }
    } catch {
        // Not even JSON: as bad as any other content.
    }
    return refuseContent();
}

function refuseContent(): never {
    throw new TransportStoreError(
        'STORE_CORRUPT',
        'The database of the SQLite transport store holds a session that is not as it was written. ' +
            'Stop the servers that use the file and remove or repair it.'
    );
}

function isState(value: unknown): value is Readonly<Record<string, string>> {
    return (
        typeof value === 'object' &&
        value !== null &&
        !Array.isArray(value) &&
        Object.values(value).every(field => typeof field === 'string')
    );
}

import type { NewSession, SessionAccess, SessionRecords, SessionRefusal, StoredSession } from '../transportStore.js';
import type { MemorySession, SessionTable } from './sessionTable.js';

const missing: SessionRefusal = { status: 'missing' };
const forbidden: SessionRefusal = { status: 'forbidden' };

/** {@link SessionRecords} of an in-memory store. */
export class InMemorySessionRecords implements SessionRecords {
    readonly #table: SessionTable;

    constructor(table: SessionTable) {
        this.#table = table;
    }

    async create(sessionId: string, session: NewSession): Promise<boolean> {
        if (this.#table.get(sessionId) !== undefined) {
            return false;
        }
        const now = this.#table.now();
        const endsAt = now + (session.maxAgeMs ?? Infinity);
        this.#table.add({
            id: sessionId,
            record: session.record,
            principal: session.principal,
            endsAt,
            state: Object.freeze({ ...session.state }),
            revision: 1,
            expiresAt: Math.min(now + session.ttlMs, endsAt),
            nodes: new Set(session.node === undefined ? [] : [session.node]),
            streams: undefined,
            lastPublished: 0
        });
        return true;
    }

    async touch(sessionId: string, access: SessionAccess): Promise<{ readonly status: 'ok'; readonly revision: number } | SessionRefusal> {
        const session = this.#admit(sessionId, access);
        return 'status' in session ? session : { status: 'ok', revision: session.revision };
    }

    async open(
        sessionId: string,
        access: SessionAccess & { readonly node?: string | undefined }
    ): Promise<{ readonly status: 'ok'; readonly session: StoredSession } | SessionRefusal> {
        const session = this.#admit(sessionId, access);
        if ('status' in session) {
            return session;
        }
        if (access.node !== undefined) {
            session.nodes.add(access.node);
        }
        return { status: 'ok', session: { record: session.record, state: session.state, revision: session.revision } };
    }

    async update(sessionId: string, state: Readonly<Record<string, string>>): Promise<number | undefined> {
        const session = this.#table.get(sessionId);
        if (session === undefined) {
            return undefined;
        }
        session.state = Object.freeze({ ...session.state, ...state });
        session.revision += 1;
        return session.revision;
    }

    async nodes(sessionId: string): Promise<readonly string[]> {
        return [...(this.#table.get(sessionId)?.nodes ?? [])];
    }

    async leave(sessionId: string, node: string): Promise<void> {
        this.#table.get(sessionId)?.nodes.delete(node);
    }

    async delete(
        sessionId: string,
        access: { readonly principal?: string | undefined }
    ): Promise<{ readonly status: 'ok'; readonly nodes: readonly string[] } | SessionRefusal> {
        const session = this.#table.get(sessionId);
        if (session === undefined) {
            return missing;
        }
        if (session.principal !== access.principal) {
            return forbidden;
        }
        this.#table.delete(sessionId);
        return { status: 'ok', nodes: [...session.nodes] };
    }

    /** Finds a session, checks whose it is, and only then renews it. */
    #admit(sessionId: string, access: SessionAccess): MemorySession | SessionRefusal {
        const now = this.#table.now();
        const session = this.#table.get(sessionId, now);
        if (session === undefined) {
            return missing;
        }
        if (session.principal !== access.principal) {
            return forbidden;
        }
        // An earlier renewal may have promised a longer life.
        const renewed = Math.max(session.expiresAt, now + access.ttlMs);
        session.expiresAt = Math.min(renewed, session.endsAt);
        return session;
    }
}

import { TransientMap } from '../http/transientMap.js';
import type { SessionAccess, SessionRefusal } from '../transportStore.js';
import { LocalSession } from './localSession.js';
import type { SessionContext } from './sessionContext.js';
import { decodeSession } from './sessionRecord.js';
import { asStoreError } from './storeCalls.js';

/** The opening of a record that is under way; requests that arrive meanwhile wait for it. */
interface Opening {
    readonly principal: string | undefined;
    readonly result: Promise<LocalSession | SessionRefusal>;
    /** The session was deleted since the record was asked for, so what is read may be outdated. */
    deleted: boolean;
}

/** This node holds as many sessions as it may, and all of them are busy. */
export class CapacityError extends Error {
    readonly code = 'TOO_MANY_SESSIONS';

    constructor(maxLiveSessions: number) {
        super(`All ${maxLiveSessions} sessions that this node may hold are busy. Add nodes, or raise maxLiveSessions.`);
        this.name = 'CapacityError';
    }
}

/** The sessions that this node holds something of: at most one copy each, made by one request while the others wait. */
export class LocalSessions {
    private readonly context: SessionContext;
    /** Least recently used first. */
    private readonly sessions = new TransientMap<string, LocalSession>();
    private readonly openings = new Map<string, Opening>();
    /** Copies that were dropped and are being struck off the record, which must not happen after the session was opened again. */
    private readonly leaving = new Map<string, Promise<void>>();
    /** Places for copies that are being made. */
    private reserved = 0;

    constructor(context: SessionContext) {
        this.context = context;
    }

    get size(): number {
        return this.sessions.size;
    }

    get(sessionId: string): LocalSession | undefined {
        return this.sessions.get(sessionId);
    }

    all(): LocalSession[] {
        return this.sessions.values();
    }

    /** Holds one more copy, in a place that was reserved for it, and drops those in its way that were used longest ago. */
    add(session: LocalSession): void {
        for (const [, other] of this.sessions) {
            if (this.sessions.size < this.context.settings.maxLiveSessions) {
                break;
            }
            if (!other.busy) {
                this.evict(other, 'capacity');
            }
        }
        this.sessions.set(session.id, session);
    }

    /**
     * Keeps a place for one more copy, until {@link giveBack}. Nothing is dropped before the copy is there: the request may come to
     * nothing.
     * @throws CapacityError if there is none, since all copies are busy.
     */
    reserve(): void {
        const { maxLiveSessions } = this.context.settings;
        let missing = this.sessions.size + this.reserved + 1 - maxLiveSessions;
        if (missing > 0) {
            for (const [, session] of this.sessions) {
                if (!session.busy && --missing === 0) {
                    break;
                }
            }
        }
        if (missing > 0) {
            throw new CapacityError(maxLiveSessions);
        }
        this.reserved++;
    }

    /** To be called when a copy was added for which a place was kept, or will not be. */
    giveBack(): void {
        this.reserved--;
    }

    /**
     * Lets a request into a session: checks that it exists and whose it is, renews it, and finds or makes this node's copy. A warm
     * session costs one store call, and so does a cold one.
     * @throws TransportStoreError
     */
    async enter(sessionId: string, principal: string | undefined): Promise<LocalSession | SessionRefusal> {
        const session = this.sessions.get(sessionId);
        if (session === undefined) {
            return this.open(sessionId, principal);
        }
        if (session.principal !== principal) {
            return { status: 'forbidden' };
        }
        session.entering++;
        try {
            this.use(session);
            const { cluster } = this.context;
            if (cluster.standing === undefined) {
                // Others may take this node for dead: a reply to what it asks now would not find it.
                await cluster.ensureJoined();
            }
            const refusal = session.mustReopen ? await this.reopen(session) : await this.touch(session);
            if (refusal) {
                this.end(session, 'gone');
                return refusal;
            }
        } finally {
            session.entering--;
        }
        return session.over ? { status: 'missing' } : session;
    }

    /** Renews a session and takes over what was changed elsewhere. */
    private async touch(session: LocalSession): Promise<SessionRefusal | undefined> {
        const { store, calls } = this.context;
        const result = await calls.run(() => store.sessions.touch(session.id, this.access(session.principal)));
        if (result.status !== 'ok') {
            return result;
        }
        return result.revision === session.revision ? undefined : this.reopen(session);
    }

    private async reopen(session: LocalSession): Promise<SessionRefusal | undefined> {
        const { store, calls, cluster } = this.context;
        await cluster.ensureJoined();
        session.mustReopen = false;
        try {
            const result = await calls.run(() => store.sessions.open(session.id, { ...this.access(session.principal), node: cluster.id }));
            if (result.status !== 'ok') {
                return result;
            }
            session.refresh(result.session);
            return undefined;
        } catch (error) {
            session.mustReopen = true;
            throw error;
        }
    }

    private async open(sessionId: string, principal: string | undefined): Promise<LocalSession | SessionRefusal> {
        const underWay = this.openings.get(sessionId);
        if (underWay && underWay.principal === principal) {
            return underWay.result;
        }
        if (underWay) {
            // Somebody else asks for the same session; one of the two is a stranger, and the store knows which. If it does not
            // answer, it need not be asked again: waiting for one call after the other, a request would be answered too late.
            await underWay.result;
            return this.enter(sessionId, principal);
        }
        this.reserve();
        const opening: Opening = {
            principal,
            deleted: false,
            // A turn later, so that the opening is in the map before the store is asked: a deletion that is reported from then on counts.
            result: Promise.resolve()
                .then(() => this.readRecord(sessionId, principal, () => opening.deleted))
                .finally(() => {
                    this.openings.delete(sessionId);
                    this.giveBack();
                })
        };
        this.openings.set(sessionId, opening);
        return opening.result;
    }

    private async readRecord(
        sessionId: string,
        principal: string | undefined,
        isDeleted: () => boolean
    ): Promise<LocalSession | SessionRefusal> {
        const { store, calls, cluster } = this.context;
        await cluster.ensureJoined();
        await this.leaving.get(sessionId);
        const result = await calls.run(() => store.sessions.open(sessionId, { ...this.access(principal), node: cluster.id }));
        if (result.status !== 'ok') {
            return result;
        }
        const { record, state } = decodeSession(result.session);
        if (isDeleted()) {
            return { status: 'missing' };
        }
        const session = new LocalSession(this.context, sessionId, principal, { record, state, revision: result.session.revision });
        this.add(session);
        return session;
    }

    /** Keeps a session from expiring that is in use although no request arrives, and notices if it is gone. */
    async renew(session: LocalSession): Promise<void> {
        const refusal = session.mustReopen ? await this.reopen(session) : await this.touch(session);
        if (refusal) {
            this.end(session, 'gone');
        }
    }

    /** Ends a session on this node, since it exists no more. */
    end(session: LocalSession, reason: 'deleted' | 'deleted-elsewhere' | 'gone'): void {
        if (this.sessions.get(session.id) === session) {
            this.sessions.delete(session.id);
        }
        if (!session.closed) {
            this.context.emit({ type: 'session.ended', sessionId: session.id, reason });
            void session.close('The session has ended', true);
        }
    }

    /** A session was deleted, here or elsewhere. */
    deleted(sessionId: string, reason: 'deleted' | 'deleted-elsewhere'): void {
        const opening = this.openings.get(sessionId);
        if (opening) {
            opening.deleted = true;
        }
        const session = this.sessions.get(sessionId);
        if (session) {
            this.end(session, reason);
        }
    }

    /** Drops the copies that nothing has used for a while. */
    evictIdle(idleMs: number): void {
        const limit = performance.now() - idleMs;
        for (const [, session] of this.sessions) {
            if (session.lastUsed > limit) {
                return;
            }
            if (!session.busy) {
                this.evict(session, 'idle');
            }
        }
    }

    /** Drops this node's copy; the session goes on elsewhere, and here with the next request. */
    evict(session: LocalSession, reason: 'idle' | 'capacity' | 'draining'): void {
        this.sessions.delete(session.id);
        const { store, calls, cluster, emit, onerror } = this.context;
        emit({ type: 'session.evicted', sessionId: session.id, reason });
        void session.close('This server process is shutting down', false);
        const leaving = calls.run(() => store.sessions.leave(session.id, cluster.id)).finally(() => this.leaving.delete(session.id));
        leaving.catch(error => onerror(asStoreError(error)));
        this.leaving.set(session.id, leaving);
    }

    /** Drops all copies and waits until the records say so. */
    async evictAll(): Promise<void> {
        for (const session of this.all()) {
            this.evict(session, 'draining');
        }
        await Promise.allSettled(this.leaving.values());
    }

    private use(session: LocalSession): void {
        session.lastUsed = performance.now();
        this.sessions.moveToEnd(session.id);
    }

    private access(principal: string | undefined): SessionAccess {
        return { principal, ttlMs: this.context.settings.sessionTtlMs };
    }
}

import type { TransientMap } from '../http/transientMap.js';
import { TransportStoreError } from '../transportStore.js';
import type { MemoryStream } from './memoryStream.js';

/** A session as the in-memory store keeps it, with everything that ends with it. */
export interface MemorySession {
    readonly id: string;
    readonly record: string;
    readonly principal: string | undefined;
    /** Time at which the session ends no matter how often it is renewed; `Infinity` for none. */
    readonly endsAt: number;
    /** Frozen and replaced as a whole, so that it can be handed out without copying. */
    state: Readonly<Record<string, string>>;
    revision: number;
    expiresAt: number;
    readonly nodes: Set<string>;
    /** In the order of the last write, oldest first. Made with the first stream: most sessions of a busy server have none. */
    streams: TransientMap<string, MemoryStream> | undefined;
    /** Position given last to a published event; counted per session so that no stream that is made anew repeats positions. */
    lastPublished: number;
}

/** Sessions looked at per created one. More than one, so that expired sessions are found faster than new ones come. */
const sweptPerCreate = 4;
/** Look-ups after which one more session is looked at; memory that is not at hand would cost more than the look-up itself. */
const lookUpsPerSwept = 8;
/** Sessions looked at before a full table refuses, unless it is time for a look at all of them. */
const sweptWhenFull = 1000;
/** Streams of a session looked at in one go, the longest unwritten first: all of them, each time, would cost a busy session too much. */
const streamsPerSweep = 8;
/** Least time between two looks at all sessions of a full table. */
const fullSweepIntervalMs = 1000;

/**
 * The sessions by id, without the expired ones.
 *
 * Expiry needs no timers: whoever looks up an expired session drops it, and a cursor that goes round the table, a few sessions at each
 * operation, drops those that nobody asks for. So the cost of an operation does not depend on the number of sessions.
 */
export class SessionTable {
    readonly #sessions = new Map<string, MemorySession>();
    readonly #maxSessions: number;
    #cursor = this.#sessions.values();
    #nextFullSweep = -Infinity;
    #lookUps = 0;

    /**
     * @param maxSessions most sessions kept.
     * @param now clock in milliseconds.
     */
    constructor(
        maxSessions: number,
        readonly now: () => number
    ) {
        this.#maxSessions = maxSessions;
    }

    /** Sessions in memory, including expired ones that were not met yet. */
    get size(): number {
        return this.#sessions.size;
    }

    /** @param now time to judge by, for a caller who knows it already. */
    get(id: string, now = this.now()): MemorySession | undefined {
        this.#lookUps += 1;
        if (this.#lookUps % lookUpsPerSwept === 0) {
            this.#sweep(1, now);
        }
        const session = this.#sessions.get(id);
        if (session !== undefined && session.expiresAt <= now) {
            this.#sessions.delete(id);
            return undefined;
        }
        return session;
    }

    /**
     * Adds a session whose id is not in the table.
     * @throws {TransportStoreError} `STORE_FULL` if there is no room.
     */
    add(session: MemorySession): void {
        const now = this.now();
        this.#sweep(sweptPerCreate, now);
        if (this.#sessions.size >= this.#maxSessions) {
            this.#makeRoom(now);
        }
        this.#sessions.set(session.id, session);
    }

    delete(id: string): void {
        this.#sessions.delete(id);
    }

    /** Drops what has expired among the next `count` sessions. */
    #sweep(count: number, now: number): void {
        for (let looked = 0; looked < count; looked++) {
            const next = this.#cursor.next();
            if (next.done) {
                this.#cursor = this.#sessions.values();
                return;
            }
            const session = next.value;
            if (session.expiresAt <= now) {
                this.#sessions.delete(session.id);
            } else if (session.streams !== undefined) {
                dropExpiredStreams(session.streams, now);
            }
        }
    }

    #makeRoom(now: number): void {
        if (now >= this.#nextFullSweep) {
            this.#nextFullSweep = now + fullSweepIntervalMs;
            this.#cursor = this.#sessions.values();
            this.#sweep(this.#sessions.size, now);
        } else {
            this.#sweep(sweptWhenFull, now);
        }
        if (this.#sessions.size >= this.#maxSessions) {
            throw new TransportStoreError(
                'STORE_FULL',
                `The in-memory transport store already keeps ${this.#maxSessions} sessions. Raise its option "maxSessions", ` +
                    'or shorten the idle lifetime of sessions.'
            );
        }
    }
}

/** Drops streams whose time is over, up to what must be remembered of them, among those that were not written to for longest. */
export function dropExpiredStreams(streams: TransientMap<string, MemoryStream>, now: number): void {
    let looked = 0;
    for (const [id, stream] of streams) {
        if (looked++ === streamsPerSweep) {
            return;
        }
        if (stream.dropExpired(now) && stream.forgettable) {
            streams.delete(id);
        }
    }
}

import { InMemoryEventStreams } from './memory/inMemoryEventStreams.js';
import { InMemoryNodeInboxes } from './memory/inMemoryNodeInboxes.js';
import { InMemorySessionRecords } from './memory/inMemorySessionRecords.js';
import { SessionTable } from './memory/sessionTable.js';
import { type EventStreams, type NodeInboxes, type SessionRecords, type TransportStore, TransportStoreError } from './transportStore.js';

export { InMemoryEventStreams, InMemoryNodeInboxes, InMemorySessionRecords };

/** Bounds of an {@link InMemoryTransportStore}. */
export interface InMemoryTransportStoreOptions {
    /** Most sessions kept; `create` rejects with `STORE_FULL` beyond them. Default: 100,000. */
    readonly maxSessions?: number | undefined;
    /**
     * Most event streams kept of one session. One more drops the one that was written longest ago: a closed one if there is any, else
     * one that nobody holds. Reading a dropped stream answers `unknown`. Default: 128.
     */
    readonly maxStreamsPerSession?: number | undefined;
    /** Most messages that wait in the inbox of one node; `send` rejects with `STORE_FULL` beyond them and keeps none. Default: 10,000. */
    readonly maxInboxMessages?: number | undefined;
    /** Clock in milliseconds. Default: `Date.now`. */
    readonly now?: (() => number) | undefined;
}

/**
 * Keeps sessions, event streams and inboxes in the memory of this process: for a server that is one process, and for tests. Several
 * session handlers in the process may share one store. All sessions end with the process.
 *
 * Uses web standards only and no timers: what has expired is dropped while the store is used.
 */
export class InMemoryTransportStore implements TransportStore {
    readonly sessions: SessionRecords;
    readonly streams: EventStreams;
    readonly inboxes: NodeInboxes;

    /** @throws {TransportStoreError} `STORE_MISUSED` if a bound is not a positive integer. */
    constructor(options: InMemoryTransportStoreOptions = {}) {
        const now = options.now ?? (() => Date.now());
        const table = new SessionTable(bound('maxSessions', options.maxSessions ?? 100_000), now);
        this.sessions = new InMemorySessionRecords(table);
        this.streams = new InMemoryEventStreams(table, bound('maxStreamsPerSession', options.maxStreamsPerSession ?? 128));
        this.inboxes = new InMemoryNodeInboxes(bound('maxInboxMessages', options.maxInboxMessages ?? 10_000), now);
    }

    async ping(): Promise<void> {}
}

function bound(name: string, value: number): number {
    if (!Number.isSafeInteger(value) || value < 1) {
        throw new TransportStoreError(
            'STORE_MISUSED',
            `The option "${name}" of the in-memory transport store must be a positive integer, not ${value}.`
        );
    }
    return value;
}

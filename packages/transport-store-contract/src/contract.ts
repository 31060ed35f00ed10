import type { EventStreams, NodeInboxes, TransportStore } from '@modelcontextprotocol/sdk/server/transportStore.js';

/** An optional capability of a store, as named in `TransportStore`. */
export type StoreCapability = 'streams' | 'inboxes';

/** What a case needs beyond session records: a capability of the store, or a backend that can be restarted. */
export type CaseNeed = StoreCapability | 'restart';

/** One handle on a backend: a store with connections of its own. */
export interface StoreHandle {
    readonly store: TransportStore;
    /** Gives up the handle and its connections; the backend goes on. */
    close(): Promise<void>;
}

/** A backend with a store under test. The caller starts it before the cases run and disposes of it afterwards. */
export interface StoreBackend {
    /** The optional capabilities that the store has. Cases that need another one are reported as skipped. */
    readonly capabilities: readonly StoreCapability[];

    /** Opens a handle; every case opens at least two, which share nothing but the backend. */
    open(): Promise<StoreHandle>;

    /**
     * Stops the backend, runs `whileDown`, and starts the backend again with its data. Absent if the backend has no life of its own;
     * the cases that need it are then reported as skipped.
     */
    restart?(whileDown: () => Promise<void>): Promise<void>;

    /**
     * Moves the clock of the store by `ms` milliseconds, for stores whose clock can be injected. Without it the cases wait until the
     * store itself shows that the time has passed.
     */
    advance?(ms: number): void | Promise<void>;
}

/** A store whose capabilities are all there: a case that uses one says so in {@link ContractCase.needs}. */
export interface FullStore extends TransportStore {
    readonly streams: EventStreams;
    readonly inboxes: NodeInboxes;
}

/** What a case works with. */
export interface CaseContext {
    /** A handle on the backend. */
    readonly one: FullStore;
    /** Another handle on the same backend. */
    readonly other: FullStore;
    /** Opens one more handle; it is closed when the case has ended. */
    open(): Promise<FullStore>;
    /** A session id that no other case uses. */
    sessionId(): string;
    /** A node id that no other case uses. */
    nodeId(): string;
    /** Resolves when at least `ms` milliseconds have passed on the clock of the store. */
    elapse(ms: number): Promise<void>;
    /** See {@link StoreBackend.restart}. */
    restart(whileDown: () => Promise<void>): Promise<void>;
}

/** One rule that stores obey, with the code that finds out whether one does. */
export interface ContractCase {
    /** Stable name, for lists of known failures and for talking about it. */
    readonly id: string;
    /** The rule. */
    readonly rule: string;
    readonly needs: readonly CaseNeed[];
    /** Rejects if the store breaks the rule. */
    run(context: CaseContext): Promise<void>;
}

import { CausedError } from './session/causedError.js';

/**
 * What the nodes of one MCP server share.
 *
 * A Streamable HTTP session is more than the transport object that answers it: any node can serve a session if it can find the
 * session's record, and several nodes can serve it at once if they can also hand each other messages and read each other's event
 * streams. A {@link TransportStore} offers the first, and, as capabilities that code can ask for, the other two:
 *
 * - {@link TransportStore.sessions}: the records. Enough for persistent storage: a session survives its node.
 * - {@link TransportStore.streams}: event logs that every node can read, for resumption and for the standalone stream.
 * - {@link TransportStore.inboxes}: leases and mailboxes of nodes, for replies, cancellations and DELETE that arrive elsewhere.
 *
 * A store knows nothing of MCP: records, state, events and envelopes are text that it keeps and hands back unchanged. What a store
 * must do is pinned down by the suite in `@modelcontextprotocol/transport-store-contract`; every store passes it with two handles on
 * one backend. All operations are atomic and conditional, none is a read followed by a write.
 *
 * Any rejection of a store's promise counts as "store unavailable" (the client gets 503 with `Retry-After`, never 404). The session
 * layer sets the deadlines; a store need not.
 */
export interface TransportStore {
    readonly sessions: SessionRecords;
    readonly streams?: EventStreams;
    readonly inboxes?: NodeInboxes;

    /** Resolves when the backend answers, rejects when it does not. For readiness probes. */
    ping(): Promise<void>;
}

/** Why an operation on a session did nothing: there is no such session, or it belongs to another principal. */
export type SessionRefusal = { readonly status: 'missing' } | { readonly status: 'forbidden' };

/** A session as {@link SessionRecords.create} is given it. */
export interface NewSession {
    /** Opaque text, the same for the whole life of the session. */
    readonly record: string;
    /** Fields that may change, see {@link SessionRecords.update}. Names and values are opaque text. */
    readonly state: Readonly<Record<string, string>>;
    /** Whom the session belongs to. Absent means nobody: then only requests without a principal match. */
    readonly principal?: string | undefined;
    /** Node that holds a live copy from now on, see {@link SessionRecords.open}. */
    readonly node?: string | undefined;
    /** Idle lifetime in milliseconds, renewed by {@link SessionRecords.touch} and {@link SessionRecords.open}. */
    readonly ttlMs: number;
    /** Absolute lifetime in milliseconds from now that no renewal exceeds. Default: none. */
    readonly maxAgeMs?: number | undefined;
}

/** A session as {@link SessionRecords.open} gives it back. */
export interface StoredSession {
    readonly record: string;
    readonly state: Readonly<Record<string, string>>;
    /** 1 at creation, one more after each {@link SessionRecords.update}. */
    readonly revision: number;
}

/** What a request must bring to be let in, and what it renews. */
export interface SessionAccess {
    /** Principal of the request. It must equal that of the session (both absent counts as equal); compared before anything is renewed. */
    readonly principal?: string | undefined;
    /** The session lives at least this many milliseconds from now, unless {@link NewSession.maxAgeMs} ends it sooner. */
    readonly ttlMs: number;
}

/**
 * Session records: create-if-absent, touch-if-present, update-if-present, delete.
 *
 * Session ids are 1 to 256 visible ASCII characters (0x21 to 0x7E); the session layer passes no others.
 * A session that has expired is absent to every operation.
 */
export interface SessionRecords {
    /**
     * Creates a session unless one with this id exists.
     * @returns whether it was created.
     */
    create(sessionId: string, session: NewSession): Promise<boolean>;

    /**
     * The one store call of a warm request: checks that the session exists and whose it is, renews it, and tells its revision so that
     * a live copy notices changes made elsewhere.
     */
    touch(sessionId: string, access: SessionAccess): Promise<{ readonly status: 'ok'; readonly revision: number } | SessionRefusal>;

    /**
     * The one store call of restoring: like {@link touch}, reads the session, and, if `node` is given, adds it to the set of nodes
     * that hold a live copy, all in one atomic step.
     */
    open(
        sessionId: string,
        access: SessionAccess & { readonly node?: string | undefined }
    ): Promise<{ readonly status: 'ok'; readonly session: StoredSession } | SessionRefusal>;

    /**
     * Sets the given state fields, keeps the others and adds one to the revision. Does not renew the session.
     * @returns the new revision, or `undefined` if the session is absent (nothing is written then).
     */
    update(sessionId: string, state: Readonly<Record<string, string>>): Promise<number | undefined>;

    /** Nodes that hold a live copy, in no particular order; empty if the session is absent. */
    nodes(sessionId: string): Promise<readonly string[]>;

    /** Removes `node` from the nodes that hold a live copy. Does nothing if it was not one of them or the session is absent. */
    leave(sessionId: string, node: string): Promise<void>;

    /**
     * Deletes the session with its streams.
     * @returns the nodes that held a live copy, so that they can be told.
     */
    delete(
        sessionId: string,
        access: { readonly principal?: string | undefined }
    ): Promise<{ readonly status: 'ok'; readonly nodes: readonly string[] } | SessionRefusal>;
}

/** An event that is read from a stream. */
export interface StreamEvent {
    /**
     * Place in the stream: visible ASCII without `.`, at most 64 characters, ordered by the store; of an appended event, its number in
     * decimal. While its session exists, a position of a published event never comes again, not even after the stream was dropped for
     * its age: a reader that comes back with an old one must not take what was written since for all that there was.
     */
    readonly position: string;
    readonly data: string;
}

/** How much of a stream is kept. */
export interface StreamRetention {
    /**
     * The stream is dropped as a whole this many milliseconds after its last event, and its events may be trimmed at that age. What is
     * dropped are events; a hold outlives them, see {@link EventStreams.hold}.
     */
    readonly ttlMs: number;
    /** At most about this many of the newest events are kept (a store may keep up to a tenth, or 100, more). */
    readonly maxEvents: number;
}

/** What came of an append: `closed` if the stream accepts nothing any more, `missing` if the session is absent. */
export type AppendResult =
    { readonly status: 'ok'; readonly holder?: string | undefined } | { readonly status: 'closed' } | { readonly status: 'missing' };

/** What came of publishing: `missing` if the session is absent. */
export type PublishResult =
    | {
          readonly status: 'ok';
          /** Positions of the events, in their order. */
          readonly positions: readonly string[];
          /**
           * If the store can tell: the position that a reader must have come to if it is to have missed nothing of what was published
           * before. A reader on the writer's node that stands there is handed the new events as they are, and need not read them.
           */
          readonly previous?: string | undefined;
          readonly holder?: string | undefined;
      }
    | { readonly status: 'missing' };

/**
 * What a stream has: `unknown` if the session has no such stream (never written to, or dropped), `trimmed` if events after the position
 * are no longer kept. A stream that is only held, not yet written to, is empty, not unknown.
 */
export type ReadResult =
    | {
          readonly status: 'ok';
          readonly events: readonly StreamEvent[];
          /** The stream is closed, and `events` are its last. */
          readonly closed: boolean;
      }
    | { readonly status: 'unknown' }
    | { readonly status: 'trimmed' };

/** What came of holding a stream: the holder before, if there was one, or `missing` if the session is absent. */
export type HoldResult = { readonly status: 'ok'; readonly previous?: string | undefined } | { readonly status: 'missing' };

/**
 * Event streams of a session that every node can read.
 *
 * There are two kinds of writing, and a stream is written in one of them only. A stream with one producer is appended to with
 * numbers that the producer makes, so that it can hand out event ids without waiting and repeat an append that may or may not have
 * happened. A stream with many producers is published to, and the store makes the positions.
 *
 * One reader holds a stream at a time: the newest. The holder is told to every writer, so that the writer can wake it. Stream ids are
 * 1 to 64 characters of `[A-Za-z0-9_-]`. Streams end with their session; every operation on an absent session's stream writes nothing.
 */
export interface EventStreams {
    /**
     * Appends to a stream with one producer.
     *
     * Events whose number is not greater than that of the newest event in the stream are skipped, so an append can be repeated. With
     * `close` the stream accepts nothing more: later appends, of whoever, answer `closed` and write nothing. That is also how another
     * node takes over the stream of a dead producer: of two closing appends exactly one wins.
     *
     * @param events numbers are integers from 0 to 2^53-1, growing. May be empty with `close`.
     */
    append(
        sessionId: string,
        streamId: string,
        events: readonly { readonly number: number; readonly data: string }[],
        options: StreamRetention & { readonly close?: boolean | undefined }
    ): Promise<AppendResult>;

    /**
     * Adds events to a stream with many producers. Events of one call stay together and in order; calls of one producer that are
     * made one after another (awaited or not, on one store handle) keep their order.
     *
     * Rejects with `STORE_MISUSED` for a stream that was appended to, a closed one among them, as does an append to a published one.
     */
    publish(sessionId: string, streamId: string, data: readonly string[], retention: StreamRetention): Promise<PublishResult>;

    /**
     * Reads events after a position, oldest first.
     *
     * @param after position that was seen last; `undefined` reads from the oldest event that is kept. A position beyond the newest
     * event is no error: nothing is behind it yet. It comes from a client, so it may be any text: what is no position of this store is
     * answered with `trimmed`, as nobody knows what is behind it, and never with a rejection.
     * @param limit largest number of events to return.
     */
    read(sessionId: string, streamId: string, after: string | undefined, limit: number): Promise<ReadResult>;

    /**
     * Makes `holder` the one reader of the stream. Whatever is written after this call resolves is written with the holder known, so:
     * hold first, then read.
     *
     * A hold lasts until it is released or taken, or the session ends. It outlives the events: who writes after they were dropped is
     * told the holder, and who reads on from the newest position before gets what was written since.
     * @param holder opaque text of at most 128 visible ASCII characters.
     */
    hold(sessionId: string, streamId: string, holder: string): Promise<HoldResult>;

    /**
     * Ends the hold if `holder` still has it.
     * @param successor if given, becomes the holder in the same step: a note to the next reader rather than a reader, of at most 128
     * visible ASCII characters like any holder. Default: none.
     */
    release(sessionId: string, streamId: string, holder: string, successor?: string): Promise<void>;
}

/**
 * Nodes' leases and inboxes.
 *
 * A node is alive while its lease runs. Node ids are 1 to 64 characters of `[A-Za-z0-9_-]`, made anew by every process.
 */
export interface NodeInboxes {
    /**
     * Starts the lease of a node with an empty inbox. A node whose lease has ended may join again under its id; a {@link receive} that
     * runs goes on and delivers what is sent from then on.
     */
    join(node: string, leaseMs: number): Promise<void>;

    /** Renews a lease that still runs. @returns false if it had ended: others may have declared the node dead. */
    renew(node: string, leaseMs: number): Promise<boolean>;

    /** Ends the lease and drops the inbox. */
    leave(node: string): Promise<void>;

    /** Those of `nodes` whose lease runs. */
    alive(nodes: readonly string[]): Promise<readonly string[]>;

    /**
     * Puts messages into a node's inbox, in order. They outlive a loss of the receiver's connection to the store.
     * @returns false if the node is not alive; nothing is kept then.
     */
    send(node: string, messages: readonly string[]): Promise<boolean>;

    /**
     * Delivers the inbox of `node`, from its oldest message on, until the subscription is closed; at least once, in the order of each
     * sender. Reconnects by itself and loses nothing meanwhile, within the bound that the store documents for an inbox.
     *
     * An inbox has one receiver at a time. A store may reject a second one with `STORE_MISUSED`; if it does not, a message may reach
     * either of them or both. After {@link InboxSubscription.close} the next receiver gets what is sent from then on, and may get again
     * what was delivered last.
     * @param onError told of each interruption; deliveries go on after it.
     */
    receive(node: string, onMessages: (messages: readonly string[]) => void, onError: (error: Error) => void): Promise<InboxSubscription>;
}

/** Handle of a running delivery, see {@link NodeInboxes.receive}. */
export interface InboxSubscription {
    /** Stops the delivery. No message is delivered after it resolves. */
    close(): Promise<void>;
}

/** Stable reasons of a {@link TransportStoreError}. */
export type TransportStoreErrorCode =
    /** The backend can't be reached or reported an error. */
    | 'STORE_UNAVAILABLE'
    /** The backend did not answer before the deadline of the session layer. The operation may have happened or may yet happen. */
    | 'STORE_TIMEOUT'
    /** What the store holds can't be understood: it was damaged, or written by something else. */
    | 'STORE_CORRUPT'
    /** What the store holds was written by a newer version of this library. */
    | 'STORE_NEWER_VERSION'
    /** A documented limit of the store is reached. */
    | 'STORE_FULL'
    /** The store was closed, or was given options that it can't work with. */
    | 'STORE_MISUSED';

/** An error of a store, with a stable {@link code} and, where there is one, the backend's own error as `cause`. */
export class TransportStoreError extends CausedError {
    readonly code: TransportStoreErrorCode;

    constructor(code: TransportStoreErrorCode, message: string, options?: { cause?: unknown }) {
        super(message, options);
        this.name = 'TransportStoreError';
        this.code = code;
    }
}

import type { KeepAlive } from '../http/keepAlive.js';
import type { TransientSet } from '../http/transientSet.js';
import type { EventStreams, StreamRetention, TransportStore } from '../transportStore.js';
import type { TransportFactory } from '../transportFactory.js';
import type { ClusterNode } from './clusterNode.js';
import type { RequestStreamIds } from './eventIds.js';
import type { LocalSession } from './localSession.js';
import type { PrincipalOf } from './principal.js';
import type { RequestStream } from './requestStream.js';
import type { ServerRequestIds } from './serverRequestIds.js';
import type { SessionEvent } from './sessionEvents.js';
import type { StoreCalls } from './storeCalls.js';
import type { PublishedEvent } from './streamTail.js';

/** The options of a session handler, with their defaults filled in. */
export interface SessionSettings {
    readonly sessionIdGenerator: () => string;
    readonly sessionTtlMs: number;
    readonly maxSessionAgeMs: number | undefined;
    readonly enableJsonResponse: boolean;
    readonly resumable: boolean;
    readonly retryInterval: number | undefined;
    readonly maxRequestBodySize: number;
    readonly maxLiveSessions: number;
    readonly liveSessionIdleMs: number;
    readonly eventRetention: StreamRetention;
    readonly principal: PrincipalOf;
    readonly onsessioninitialized: ((sessionId: string) => void | Promise<void>) | undefined;
    readonly onsessionclosed: ((sessionId: string) => void | Promise<void>) | undefined;
}

/** What the parts of a session handler share. */
export interface SessionContext {
    readonly settings: SessionSettings;
    readonly store: TransportStore;
    /** The store's streams, or, where it has none, streams of this process. */
    readonly streams: EventStreams;
    readonly calls: StoreCalls;
    readonly cluster: ClusterNode;
    readonly factory: TransportFactory;
    readonly keepAlive: KeepAlive;
    readonly serverRequestIds: ServerRequestIds;
    readonly requestStreamIds: RequestStreamIds;
    /** Tells the reader of a stream that there is more to read, see `MessageRouter.wake`. */
    readonly wake: (holder: string, sessionId: string, streamId: string, published?: PublishedEvent) => void;
    /** Ends the connection of a stream that is read somewhere, so that the client polls. */
    readonly endStream: (session: LocalSession, streamId: string) => void;
    /** Another node has ended the stream of a request that runs here. */
    readonly onfenced: (sessionId: string, streamId: string) => void;
    /** Streams that this node writes, by id. */
    readonly openStreams: TransientSet<RequestStream>;
    /** An answer was given completely. */
    readonly onanswered: () => void;
    readonly emit: (event: SessionEvent) => void;
    readonly onerror: (error: Error) => void;
}

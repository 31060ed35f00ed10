import { resolveMaxRequestBodySize } from '../http/sdk.js';
import type { TransportStore } from '../transportStore.js';
import { defaultPrincipal, type PrincipalOf } from './principal.js';
import type { SessionSettings } from './sessionContext.js';
import type { SessionEvent } from './sessionEvents.js';
import { randomSessionId } from './sessionIds.js';

/** Options of `createSessionHandler`. Times are in milliseconds. */
export interface SessionHandlerOptions {
    /** What the nodes share. Default: a new `InMemoryTransportStore`, which is one process's own. */
    store?: TransportStore;

    /** Makes session ids: globally unique, impossible to guess, 1 to 256 visible ASCII characters. Default: `crypto.randomUUID()`. */
    sessionIdGenerator?: () => string;

    /** How long a session lives after it was last used. Requests and open streams use it. Default: 1,800,000 (30 minutes). */
    sessionTtlMs?: number;

    /** How long a session lives at most, however much it is used. Default: no limit. */
    maxSessionAgeMs?: number;

    /** Answers POSTs with JSON instead of an event stream. Default: false. */
    enableJsonResponse?: boolean;

    /**
     * Whether events get ids and are kept, so that a client that lost its connection gets what it missed, from any node.
     * Default: true if the store has event streams.
     */
    resumable?: boolean;

    /** How long clients should wait before they reconnect, as the `retry` field of event streams tells them. Default: none is told. */
    retryInterval?: number;

    /** Time between keep-alive comments on an event stream; values below 1 turn them off. Default: 15,000. */
    keepAliveMs?: number;

    /** Largest body of a POST that is read, in bytes; does not apply to a body that is passed in parsed. Default: 4,194,304 (4 MiB). */
    maxRequestBodySize?: number;

    /** How many sessions this process holds a live copy of; beyond it the ones used longest ago are dropped. Default: 10,000. */
    maxLiveSessions?: number;

    /** How long this process holds a live copy that is not used. Default: 300,000 (5 minutes). */
    liveSessionIdleMs?: number;

    /** How long events are kept for clients that lost their connection. Default: 300,000 (5 minutes). */
    eventTtlMs?: number;

    /** How many events of one stream are kept. Default: 1,000. */
    maxEventsPerStream?: number;

    /** How long a call to the store may take before the request is answered 503. Default: 2,500. */
    storeTimeoutMs?: number;

    /** How long a node counts as alive after its last sign of life. Default: 6,000. */
    nodeLeaseMs?: number;

    /** Names whom a request comes from; a session serves only the principal that made it. Default: see `defaultPrincipal`. */
    principal?: PrincipalOf;

    /**
     * Called once per session, on the node that made it, when it is stored and before the client is answered. If it fails, the client
     * gets 500 and the session is deleted.
     */
    onsessioninitialized?: (sessionId: string) => void | Promise<void>;

    /** Called once per session that a client ends with DELETE, on the node that receives it. */
    onsessionclosed?: (sessionId: string) => void | Promise<void>;

    /** Told of what went wrong and was not the client's fault: the store, the factory, a corrupt record. */
    onerror?: (error: Error) => void;

    /** Told of what an operator may want to count or log. */
    onevent?: (event: SessionEvent) => void;
}

/** The options that concern sessions, checked and with their defaults. @throws RangeError */
export function settingsOf(options: SessionHandlerOptions, store: TransportStore): SessionSettings {
    return {
        sessionIdGenerator: options.sessionIdGenerator ?? randomSessionId,
        sessionTtlMs: positive('sessionTtlMs', options.sessionTtlMs, 30 * 60_000),
        maxSessionAgeMs: options.maxSessionAgeMs === undefined ? undefined : positive('maxSessionAgeMs', options.maxSessionAgeMs, 0),
        enableJsonResponse: options.enableJsonResponse ?? false,
        resumable: options.resumable ?? store.streams !== undefined,
        retryInterval: options.retryInterval,
        maxRequestBodySize: resolveMaxRequestBodySize(options.maxRequestBodySize),
        maxLiveSessions: positive('maxLiveSessions', options.maxLiveSessions, 10_000),
        liveSessionIdleMs: positive('liveSessionIdleMs', options.liveSessionIdleMs, 5 * 60_000),
        eventRetention: {
            ttlMs: positive('eventTtlMs', options.eventTtlMs, 5 * 60_000),
            maxEvents: positive('maxEventsPerStream', options.maxEventsPerStream, 1_000)
        },
        principal: options.principal ?? defaultPrincipal,
        onsessioninitialized: options.onsessioninitialized,
        onsessionclosed: options.onsessionclosed
    };
}

/** An option that must be above zero. @throws RangeError */
export function positive(name: string, value: number | undefined, fallback: number): number {
    if (value === undefined) {
        return fallback;
    }
    if (!Number.isFinite(value) || value <= 0) {
        throw new RangeError(`${name} must be a positive number, got ${String(value)}`);
    }
    return value;
}

import type { EventStore } from './eventStore.js';
import type { RestoredSession, SessionSnapshot } from './restoredSession.js';

/** Options of the Streamable HTTP transports. */
export interface StreamableHttpOptions {
    /**
     * Makes the id of a new session. Ids should be globally unique and impossible to guess, and hold visible ASCII characters only.
     *
     * Without it the transport is stateless: it serves one HTTP request and neither gives nor checks session ids.
     */
    sessionIdGenerator?: () => string;

    /**
     * Called when a client has initialized a session, before it gets an answer. If it rejects, the client gets 400.
     * @param session what to store so that the session can be restored, see {@link restoredSession}.
     */
    onsessioninitialized?: (sessionId: string, session: SessionSnapshot) => void | Promise<void>;

    /**
     * Called when what is to be stored of a session changes: the client has confirmed the initialization, or has set the log level.
     * The client's request is answered when the promise resolves. If it rejects, `onerror` is told and the session goes on, but
     * restoring it brings back the state before.
     */
    onsessionchanged?: (sessionId: string, session: SessionSnapshot) => void | Promise<void>;

    /**
     * Called when a client ends its session by DELETE; the client's request is answered when the promise resolves. Not called when the
     * transport is closed otherwise, since the session may go on elsewhere then.
     */
    onsessionclosed?: (sessionId: string) => void | Promise<void>;

    /**
     * Builds the transport for a session that exists already, on whatever process and with whatever storage.
     *
     * While `server.connect(transport)` runs, the server object learns what it must know of its client: capabilities, name and version,
     * protocol version and log level. Requests that arrive meanwhile wait. `onsessioninitialized` is not called and nothing goes to
     * the event store; the server's `oninitialized` does fire, since the server object is new.
     *
     * A session that is used on several processes at once needs more than this, see `createSessionHandler`.
     */
    restoredSession?: RestoredSession;

    /** Answers requests with JSON in place of event streams. Default: false. */
    enableJsonResponse?: boolean;

    /** Makes event streams resumable. Default: they are not. */
    eventStore?: EventStore;

    /**
     * `Host` headers that are accepted, if {@link enableDnsRebindingProtection} is set. Default: all.
     * @deprecated Check the host in a middleware.
     */
    allowedHosts?: string[];

    /**
     * `Origin` headers that are accepted, if {@link enableDnsRebindingProtection} is set. Default: all.
     * @deprecated Check the origin in a middleware.
     */
    allowedOrigins?: string[];

    /**
     * Turns {@link allowedHosts} and {@link allowedOrigins} on. Default: false.
     * @deprecated Check host and origin in a middleware.
     */
    enableDnsRebindingProtection?: boolean;

    /**
     * How long clients should wait before they reconnect, in milliseconds; sent with the first event of resumable streams. Default: it
     * is left to the clients.
     */
    retryInterval?: number;

    /** Time between the comments that keep event streams alive, in milliseconds; below 1 turns them off. Default: 15000. */
    keepAliveMs?: number;

    /**
     * Largest body of a POST, in bytes; a larger one is answered with 413. Not applied to a body that was parsed before. Must be a
     * positive number. Default: 4194304 (4 MiB).
     */
    maxRequestBodySize?: number;
}

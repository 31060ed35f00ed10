import type { AuthInfo, JSONRPCMessage, MessageExtraInfo, RequestId, Transport } from './http/sdk.js';
import { StreamableHttpCore } from './http/streamableHttpCore.js';
import type { StreamableHttpOptions } from './http/transportOptions.js';
import { WebHttpExchange } from './http/webHttpExchange.js';

export type { EventId, EventStore, StreamId } from './http/eventStore.js';
export type { RestoredSession, SessionSnapshot } from './http/restoredSession.js';
export { SessionRestoreError, type SessionRestoreErrorCode } from './session/sessionRestoreError.js';

/** Options of {@link WebStandardStreamableHTTPServerTransport}. */
export type WebStandardStreamableHTTPServerTransportOptions = StreamableHttpOptions;

/** What goes with a single request. */
export interface HandleRequestOptions {
    /** Body as middleware has parsed it. Without it, the body is read from the request. */
    parsedBody?: unknown;

    /** Who calls, as middleware has verified; handed on to request handlers. */
    authInfo?: AuthInfo;
}

/**
 * Server side of the Streamable HTTP transport on web-standard `Request` and `Response`: for Workers, Deno, Bun, Node, and frameworks
 * such as Hono.
 *
 * One transport serves one session, from the client's `initialize` request on: the application keeps the transports of its sessions
 * and hands each request to the one that its `Mcp-Session-Id` names. Without `sessionIdGenerator` there are no sessions, and every
 * HTTP request needs a transport (and a server) of its own.
 *
 * ```ts
 * const transport = new WebStandardStreamableHTTPServerTransport({
 *     sessionIdGenerator: () => crypto.randomUUID(),
 *     onsessioninitialized: sessionId => { transports.set(sessionId, transport); }
 * });
 * await server.connect(transport);
 * app.all('/mcp', context => transport.handleRequest(context.req.raw));
 * ```
 *
 * A session that another process has begun goes on here if its transport is built with `restoredSession`.
 */
export class WebStandardStreamableHTTPServerTransport implements Transport {
    /** Id of the session; `undefined` before it is initialized, and always if there are no sessions. */
    sessionId?: string;

    /** Called once when the transport is closed. */
    onclose?: () => void;

    /** Told of refused requests, and of errors that no request can be blamed for. */
    onerror?: (error: Error) => void;

    /** Receives the messages of the client. */
    onmessage?: (message: JSONRPCMessage, extra?: MessageExtraInfo) => void;

    private readonly core: StreamableHttpCore;

    /**
     * @throws {@link SessionRestoreError} if `restoredSession` is malformed; its `code` says what is wrong.
     * @throws RangeError if `maxRequestBodySize` is not a positive number.
     */
    constructor(options: WebStandardStreamableHTTPServerTransportOptions = {}) {
        this.core = new StreamableHttpCore(this, options);
    }

    /**
     * Called by `server.connect`. Where a session is restored, resolves when the server knows its client again.
     * @throws Error if the transport was started before.
     * @throws {@link SessionRestoreError} if the server refuses the session that is to be restored.
     */
    async start(): Promise<void> {
        await this.core.start();
    }

    /** Ends all connections and calls {@link onclose}. The session is over here, but `onsessionclosed` is not called. */
    async close(): Promise<void> {
        this.core.close();
    }

    /**
     * Sends a message to the client. Called by the server.
     * @param options.relatedRequestId request of the client that a request or notification belongs to, so that it goes to where the
     * answer will go; without it, it goes to the standalone stream.
     * @throws Error if a request's answer has nowhere to go, since there is no such request or its connection is lost.
     */
    async send(message: JSONRPCMessage, options?: { relatedRequestId?: RequestId }): Promise<void> {
        await this.core.send(message, options?.relatedRequestId);
    }

    /**
     * Handles an HTTP request: POST, GET or DELETE, others are refused. Resolves when the answer begins, which for event streams is long
     * before they end.
     * @throws Error if there are no sessions and the transport has served a request before.
     * @throws what `onsessionclosed` fails with.
     */
    async handleRequest(req: Request, options?: HandleRequestOptions): Promise<Response> {
        const exchange = new WebHttpExchange(req, options);
        // Not waited for: a long replay goes on while its answer is being read.
        this.core.handle(exchange).catch((error: unknown) => exchange.fail(error));
        return exchange.response;
    }

    /**
     * Ends the connection on which a request is being answered; the client comes back for the answer. Clients can do that only if there
     * is an `eventStore`.
     * @param requestId id of the client's request.
     */
    closeSSEStream(requestId: RequestId): void {
        this.core.closeStream(requestId);
    }

    /** Ends the connection of the standalone stream; the client comes back, for what it missed too if there is an `eventStore`. */
    closeStandaloneSSEStream(): void {
        this.core.closeStandaloneStream();
    }
}

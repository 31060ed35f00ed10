import type { IncomingMessage, ServerResponse } from 'node:http';
import { NodeHttpExchange } from './http/nodeHttpExchange.js';
import type { AuthInfo, JSONRPCMessage, MessageExtraInfo, RequestId, Transport } from './http/sdk.js';
import { StreamableHttpCore } from './http/streamableHttpCore.js';
import type { TransportFace } from './http/transportFace.js';
import type { StreamableHttpOptions } from './http/transportOptions.js';

export type { EventId, EventStore, StreamId } from './http/eventStore.js';
export type { RestoredSession, SessionSnapshot } from './http/restoredSession.js';
export { SessionRestoreError, type SessionRestoreErrorCode } from './session/sessionRestoreError.js';

/** Options of {@link StreamableHTTPServerTransport}. */
export type StreamableHTTPServerTransportOptions = StreamableHttpOptions;

/**
 * Server side of the Streamable HTTP transport for Node's `http` module, and for frameworks upon it such as Express.
 *
 * One transport serves one session, from the client's `initialize` request on: the application keeps the transports of its sessions
 * and hands each request to the one that its `Mcp-Session-Id` names. Without `sessionIdGenerator` there are no sessions, and every
 * HTTP request needs a transport (and a server) of its own.
 *
 * ```ts
 * const transport = new StreamableHTTPServerTransport({
 *     sessionIdGenerator: () => randomUUID(),
 *     onsessioninitialized: sessionId => { transports.set(sessionId, transport); }
 * });
 * await server.connect(transport);
 * app.all('/mcp', (req, res) => transport.handleRequest(req, res, req.body));
 * ```
 *
 * A session that another process has begun goes on here if its transport is built with `restoredSession`.
 */
export class StreamableHTTPServerTransport implements Transport {
    private readonly face: TransportFace = {};
    private readonly core: StreamableHttpCore;

    /**
     * @throws {@link SessionRestoreError} if `restoredSession` is malformed; its `code` says what is wrong.
     * @throws RangeError if `maxRequestBodySize` is not a positive number.
     */
    constructor(options: StreamableHTTPServerTransportOptions = {}) {
        this.core = new StreamableHttpCore(this.face, options);
    }

    /** Id of the session; `undefined` before it is initialized, and always if there are no sessions. */
    get sessionId(): string | undefined {
        return this.face.sessionId;
    }

    /** Called once when the transport is closed. */
    get onclose(): (() => void) | undefined {
        return this.face.onclose;
    }

    set onclose(handler: (() => void) | undefined) {
        this.face.onclose = handler;
    }

    /** Told of refused requests, and of errors that no request can be blamed for. */
    get onerror(): ((error: Error) => void) | undefined {
        return this.face.onerror;
    }

    set onerror(handler: ((error: Error) => void) | undefined) {
        this.face.onerror = handler;
    }

    /** Receives the messages of the client. */
    get onmessage(): ((message: JSONRPCMessage, extra?: MessageExtraInfo) => void) | undefined {
        return this.face.onmessage;
    }

    set onmessage(handler: ((message: JSONRPCMessage, extra?: MessageExtraInfo) => void) | undefined) {
        this.face.onmessage = handler;
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
     * Handles an HTTP request: POST, GET or DELETE, others are refused. Resolves when the answer is complete, which for event streams
     * may be long after they have begun. Errors are answered with 500.
     * @param req its `auth` property is handed on to request handlers; authenticating middleware sets it.
     * @param parsedBody body as other middleware has parsed it. Without it, the body is read here.
     */
    async handleRequest(req: IncomingMessage & { auth?: AuthInfo }, res: ServerResponse, parsedBody?: unknown): Promise<void> {
        const exchange = new NodeHttpExchange(req, res, parsedBody);
        if (!exchange.hasValidUrl) {
            exchange.respond(400, {});
            return;
        }
        try {
            await this.core.handle(exchange);
        } catch {
            exchange.respond(500, {});
        }
        await exchange.finished;
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

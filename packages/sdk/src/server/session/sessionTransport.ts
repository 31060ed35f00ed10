import {
    ErrorCode,
    type JSONRPCErrorResponse,
    type JSONRPCMessage,
    type JSONRPCNotification,
    type JSONRPCRequest,
    type JSONRPCResultResponse,
    type LoggingLevel,
    type MessageExtraInfo,
    type RequestId,
    type Transport
} from '../http/sdk.js';
import { isRequest, isResponse } from '../http/jsonRpcMessage.js';
import { TransientMap } from '../http/transientMap.js';
import { ReplayedReplies, replayInto, type ClientState } from './replay.js';
import { waitingNode, type ServerRequestIds } from './serverRequestIds.js';

export type Response = JSONRPCResultResponse | JSONRPCErrorResponse;

/** Where the messages go that belong to a request which is running. */
export interface RequestTarget {
    /** Takes the response, the last message of its request. */
    respond(response: Response): void | Promise<void>;
    /** Takes a notification or request that relates to the request. @returns false if it can't be sent along with the answer. */
    sendRelated(message: JSONRPCMessage): boolean | Promise<boolean>;
}

/** Settled requests of the server that are remembered, so that a reply that is sent twice is no error. */
const REMEMBERED_REPLIES = 256;

/**
 * The transport that the server object of a session is connected to, on one node.
 *
 * It belongs to no connection. What the server sends goes to the request it relates to or to the session's standalone stream; what the
 * client sends is delivered by the session layer, which knows on which node it matters. The ids of the server's own requests, and
 * their progress tokens, are translated here in both directions.
 */
export class SessionTransport implements Transport {
    readonly sessionId: string;
    onclose?: () => void;
    onerror?: (error: Error) => void;
    onmessage?: (message: JSONRPCMessage, extra?: MessageExtraInfo) => void;

    private readonly ids: ServerRequestIds;
    private readonly sendStandalone: (message: JSONRPCMessage) => Promise<void>;
    private readonly running = new TransientMap<RequestId, RequestTarget>();
    private readonly replayed = new ReplayedReplies();
    /** The server's id of each of its requests that waits for a reply, by the id on the wire, and the other way round. */
    private readonly pending = new Map<string, RequestId>();
    private readonly wireIds = new Map<RequestId, string>();
    /** Settled requests, oldest first. Their progress tokens stay valid, since the task that one created may go on reporting. */
    private readonly settled = new Map<string, RequestId>();
    private syncs = 0;
    private isInitialized = false;
    private isStarted = false;
    private isClosed = false;

    constructor(sessionId: string, ids: ServerRequestIds, sendStandalone: (message: JSONRPCMessage) => Promise<void>) {
        this.sessionId = sessionId;
        this.ids = ids;
        this.sendStandalone = sendStandalone;
    }

    get started(): boolean {
        return this.isStarted;
    }

    get closed(): boolean {
        return this.isClosed;
    }

    /** Whether the copy can't be given up now, since requests of the client or of the server are under way. */
    get busy(): boolean {
        return this.running.size > 0 || this.pending.size > 0;
    }

    start(): Promise<void> {
        if (this.isStarted) {
            return Promise.reject(new Error('Transport already started'));
        }
        this.isStarted = true;
        return Promise.resolve();
    }

    close(): Promise<void> {
        if (!this.isClosed) {
            this.isClosed = true;
            this.replayed.abandon();
            const unanswered = [...this.running];
            this.running.clear();
            this.pending.clear();
            this.wireIds.clear();
            this.onclose?.();
            const error = { code: ErrorCode.ConnectionClosed, message: 'The server was closed before it answered this request' };
            for (const [id, target] of unanswered) {
                void target.respond({ jsonrpc: '2.0', id, error });
            }
        }
        return Promise.resolve();
    }

    /** Brings a restored server up to date, see {@link replayInto}. */
    restore(state: ClientState): Promise<void> {
        this.isInitialized = state.initialized;
        return replayInto(message => this.deliver(message), this.replayed, state);
    }

    /** Tells the server of a log level that the client has set through another copy of the session. */
    async setLogLevel(level: LoggingLevel): Promise<void> {
        const id = `sync-log-level-${++this.syncs}`;
        const reply = this.replayed.expect(id);
        this.deliver({ jsonrpc: '2.0', id, method: 'logging/setLevel', params: { level } });
        await reply;
    }

    /** Tells the server that the client has confirmed the initialization, unless it was told before. */
    deliverInitialized(message: JSONRPCNotification, extra?: MessageExtraInfo): void {
        if (!this.isInitialized) {
            this.isInitialized = true;
            this.deliver(message, extra);
        }
    }

    /** Hands a message of the client to the server. */
    deliver(message: JSONRPCMessage, extra?: MessageExtraInfo): void {
        this.onmessage?.(message, extra);
    }

    isRunning(id: RequestId): boolean {
        return this.running.has(id);
    }

    /**
     * Hands a request of the client to the server; what the server sends for it goes to `target`.
     * @throws what the server throws, if it can't take it.
     */
    deliverRequest(message: JSONRPCRequest, target: RequestTarget, extra: MessageExtraInfo): void {
        this.running.set(message.id, target);
        try {
            this.onmessage?.(message, extra);
        } catch (error) {
            this.running.delete(message.id);
            throw error;
        }
    }

    /** Forgets a request whose answer is no longer wanted; what the server still sends for it fails. */
    forget(id: RequestId): void {
        this.running.delete(id);
    }

    /** Hands a reply to the server's request that it answers. @returns false if no such request waits. */
    deliverReply(reply: Response): boolean {
        const wireId = reply.id;
        if (typeof wireId !== 'string') {
            return false;
        }
        const id = this.pending.get(wireId);
        if (id === undefined) {
            return this.settled.has(wireId);
        }
        this.settle(wireId, id);
        this.deliver({ ...reply, id });
        return true;
    }

    /** Gives a request of the server its id on the wire, by which the reply finds its way back here. */
    toWire(request: JSONRPCRequest): JSONRPCRequest {
        const translated = this.translate(request);
        return isRequest(translated) ? translated : request;
    }

    /** The reverse of {@link toWire}, for a request that will not be sent after all. */
    fromWire(request: JSONRPCRequest): JSONRPCRequest | undefined {
        const id = typeof request.id === 'string' ? this.pending.get(request.id) : undefined;
        if (id === undefined) {
            return undefined;
        }
        this.settle(String(request.id), id);
        return { ...request, id };
    }

    /** Hands the server progress on one of its requests. @returns false if the token is of no request that this node knows. */
    deliverProgress(message: JSONRPCNotification): boolean {
        const { params } = message;
        const token = params?.['progressToken'];
        const id = typeof token === 'string' ? (this.pending.get(token) ?? this.settled.get(token)) : undefined;
        if (id === undefined) {
            return false;
        }
        this.deliver({ ...message, params: { ...params, progressToken: id } });
        return true;
    }

    send(message: JSONRPCMessage, options?: { relatedRequestId?: RequestId | undefined }): Promise<void> {
        if (this.isClosed) {
            return Promise.reject(new Error('The session was closed on this node; nothing can be sent for it any more'));
        }
        const related = options?.relatedRequestId;
        if (this.replayed.take(message, related)) {
            return Promise.resolve();
        }
        if (isResponse(message)) {
            return this.respond(message);
        }
        const outgoing = this.translate(message);
        const sent = related === undefined ? this.sendStandalone(outgoing) : this.sendRelated(outgoing, related);
        return isRequest(message) ? this.settleIfUnsent(message, sent) : sent;
    }

    private async respond(response: Response): Promise<void> {
        const target = response.id === undefined ? undefined : this.running.get(response.id);
        if (response.id === undefined || target === undefined) {
            throw new Error(`No request with id ${String(response.id)} is running, so it can't be answered`);
        }
        this.running.delete(response.id);
        await target.respond(response);
    }

    private async sendRelated(outgoing: Exclude<JSONRPCMessage, Response>, related: RequestId): Promise<void> {
        const target = this.running.get(related);
        if (target === undefined && outgoing.method !== 'notifications/cancelled') {
            throw new Error(`No request with id ${String(related)} is running, so nothing can be sent along with its answer`);
        }
        // Where the answer is a single JSON document, a question of the server still reaches the client by the standalone stream;
        // notifications do not, as they would only be told out of context.
        if ((await target?.sendRelated(outgoing)) === true || !(isRequest(outgoing) || outgoing.method === 'notifications/cancelled')) {
            return;
        }
        await this.sendStandalone(outgoing);
    }

    /** A request that could not be sent waits for no reply. */
    private async settleIfUnsent({ id }: JSONRPCRequest, sent: Promise<void>): Promise<void> {
        try {
            await sent;
        } catch (error) {
            const wireId = this.wireIds.get(id);
            if (wireId !== undefined) {
                this.settle(wireId, id);
            }
            throw error;
        }
    }

    private translate(message: Exclude<JSONRPCMessage, Response>): Exclude<JSONRPCMessage, Response> {
        if (isRequest(message)) {
            if (waitingNode(message.id) !== undefined) {
                // From a task's queue: some node has given it an id already.
                return message;
            }
            const wireId = this.ids.next();
            this.pending.set(wireId, message.id);
            this.wireIds.set(message.id, wireId);
            const meta = message.params?._meta;
            if (meta?.progressToken !== message.id) {
                return { ...message, id: wireId };
            }
            return { ...message, id: wireId, params: { ...message.params, _meta: { ...meta, progressToken: wireId } } };
        }
        if (message.method === 'notifications/cancelled') {
            const id = message.params?.['requestId'];
            const wireId = typeof id === 'string' || typeof id === 'number' ? this.wireIds.get(id) : undefined;
            if (wireId !== undefined && (typeof id === 'string' || typeof id === 'number')) {
                this.settle(wireId, id);
                return { ...message, params: { ...message.params, requestId: wireId } };
            }
        }
        return message;
    }

    private settle(wireId: string, id: RequestId): void {
        this.pending.delete(wireId);
        this.wireIds.delete(id);
        this.settled.set(wireId, id);
        if (this.settled.size > REMEMBERED_REPLIES) {
            for (const oldest of this.settled.keys()) {
                this.settled.delete(oldest);
                break;
            }
        }
    }
}

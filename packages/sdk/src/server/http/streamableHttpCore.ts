import { randomName } from '../session/sessionIds.js';
import { EventReplay } from './eventReplay.js';
import type { EventId, EventStore, StreamId } from './eventStore.js';
import { primingEvent } from './eventText.js';
import type { EventStreamSink, HttpExchange } from './httpExchange.js';
import { JsonAnswer } from './jsonAnswer.js';
import { isRequest } from './jsonRpcMessage.js';
import { KeepAlive } from './keepAlive.js';
import { checkHostAndOrigin } from './originCheck.js';
import { OutgoingMessages } from './outgoingMessages.js';
import { REFUSED, isRefusal, refuse, type Refusal } from './refusal.js';
import {
    EVENT_STREAM_HEADERS,
    FIRST_VERSION_WITH_PRIMING,
    METHOD_NOT_ALLOWED,
    checkGetAccept,
    checkPostHeaders,
    checkProtocolVersion,
    findInitialize,
    protocolVersionOf,
    readMessages
} from './requestChecks.js';
import { messageExtra } from './requestInfo.js';
import { checkRestoredSession } from './restoredSession.js';
import { Restoring } from './restoring.js';
import { DEFAULT_SSE_KEEP_ALIVE_MS, ErrorCode, resolveMaxRequestBodySize, type JSONRPCMessage, type RequestId } from './sdk.js';
import type { TransportFace } from './transportFace.js';
import type { StreamableHttpOptions } from './transportOptions.js';
import { SESSION_GONE, TransportSession } from './transportSession.js';

const STANDALONE_CONFLICT: Refusal = { status: 409, code: REFUSED, message: 'Conflict: Only one SSE stream is allowed per session' };
const STREAM_CONFLICT: Refusal = { status: 409, code: REFUSED, message: 'Conflict: Stream already has an active connection' };
const UNKNOWN_EVENT: Refusal = { status: 400, code: REFUSED, message: 'Invalid event ID format' };
const REPLAY_FAILED: Refusal = { status: 500, code: REFUSED, message: 'Error replaying events' };

/** An event store as the priming event sees it, which carries no message. */
interface PrimingStore {
    storeEvent(streamId: StreamId, message: object): Promise<EventId>;
}

/**
 * The Streamable HTTP transport of one session.
 *
 * It works on {@link HttpExchange}, so that the transports for Node and for web-standard runtimes are two thin faces of it.
 */
export class StreamableHttpCore {
    private readonly face: TransportFace;
    private readonly options: StreamableHttpOptions;
    private readonly maxBodyBytes: number;
    private readonly session: TransportSession;
    private readonly outgoing: OutgoingMessages;
    private restoring: Restoring | undefined;
    private isStarted = false;
    private isUsed = false;
    private isClosed = false;

    /**
     * @throws SessionRestoreError if `restoredSession` is malformed.
     * @throws RangeError if `maxRequestBodySize` is not a positive number.
     */
    constructor(face: TransportFace, options: StreamableHttpOptions) {
        if (options.restoredSession !== undefined) {
            checkRestoredSession(options.restoredSession);
            this.restoring = new Restoring(options.restoredSession);
        }
        this.face = face;
        this.options = options;
        this.maxBodyBytes = resolveMaxRequestBodySize(options.maxRequestBodySize);
        this.session = new TransportSession(face, options);
        const keepAlive = new KeepAlive(options.keepAliveMs ?? DEFAULT_SSE_KEEP_ALIVE_MS);
        this.outgoing = new OutgoingMessages(options.eventStore, keepAlive, error => this.report(error));
    }

    /** @throws SessionRestoreError if there is a session to restore and the server does not take it. */
    async start(): Promise<void> {
        if (this.isStarted) {
            throw new Error('Transport already started');
        }
        this.isStarted = true;
        await this.restoring?.run(message => this.face.onmessage?.(message));
        this.restoring = undefined;
    }

    /**
     * Handles an HTTP request. Resolves when its messages have been handed on; the answer may come later.
     * @throws SessionRestoreError if the session could not be restored.
     * @throws what `onsessionclosed` fails with, after the transport is closed.
     */
    async handle(exchange: HttpExchange): Promise<void> {
        if (this.restoring !== undefined) {
            await this.restoring.finished;
        }
        if (this.isClosed) {
            refuse(exchange, SESSION_GONE);
            return;
        }
        if (this.session.isStateless && this.isUsed) {
            throw new Error('Stateless transport cannot be reused across requests. Create a new transport per request.');
        }
        this.isUsed = true;
        const refusal = checkHostAndOrigin(exchange, this.options);
        if (refusal) {
            this.refuse(exchange, refusal);
            return;
        }
        switch (exchange.method) {
            case 'POST':
                return this.handlePost(exchange);
            case 'GET':
                return this.handleGet(exchange);
            case 'DELETE':
                return this.handleDelete(exchange);
            default:
                this.refuse(exchange, METHOD_NOT_ALLOWED);
        }
    }

    /** Sends a message of the server, see {@link OutgoingMessages.send}. */
    async send(message: JSONRPCMessage, relatedRequestId: RequestId | undefined): Promise<void> {
        if (this.restoring?.replies.take(message, relatedRequestId)) {
            return;
        }
        if (this.session.changes) {
            await this.session.changes.sending(message);
        }
        await this.outgoing.send(message, relatedRequestId);
    }

    close(): void {
        if (this.isClosed) {
            return;
        }
        this.isClosed = true;
        this.restoring?.abandon();
        this.outgoing.close(SESSION_GONE);
        this.face.onclose?.();
    }

    /** Ends the connection that reads the answer to a request, so that its client comes back for it. */
    closeStream(requestId: RequestId): void {
        this.outgoing.endReader(requestId);
    }

    /** Ends the connection that reads the standalone stream, so that its client comes back for it. */
    closeStandaloneStream(): void {
        this.outgoing.endStandaloneReader();
    }

    private async handlePost(exchange: HttpExchange): Promise<void> {
        try {
            const refusal = checkPostHeaders(exchange);
            if (refusal) {
                this.refuse(exchange, refusal);
                return;
            }
            const messages = await readMessages(exchange, this.maxBodyBytes);
            if (isRefusal(messages)) {
                this.refuse(exchange, messages);
            } else {
                await this.handleMessages(exchange, messages);
            }
        } catch (error) {
            this.report(error);
            refuse(exchange, { status: 400, code: ErrorCode.ParseError, message: 'Parse error', data: String(error) });
        }
    }

    private async handleMessages(exchange: HttpExchange, messages: readonly JSONRPCMessage[]): Promise<void> {
        if (this.isClosed) {
            refuse(exchange, SESSION_GONE);
            return;
        }
        const initialize = findInitialize(messages);
        const refusal = initialize
            ? this.session.checkInitialize(messages)
            : (this.session.check(exchange) ?? checkProtocolVersion(exchange));
        if (refusal) {
            this.refuse(exchange, refusal);
            return;
        }
        if (initialize) {
            await this.session.initialize(initialize);
            if (this.isClosed) {
                refuse(exchange, SESSION_GONE);
                return;
            }
        }
        const requestIds = messages.filter(isRequest).map(request => request.id);
        if (requestIds.length === 0) {
            await this.deliver(exchange, messages, false);
            exchange.respond(202, {});
        } else if (this.options.enableJsonResponse) {
            await this.answerWithJson(exchange, messages, requestIds);
        } else {
            await this.answerWithStream(exchange, messages, requestIds, protocolVersionOf(exchange, initialize));
        }
    }

    private async answerWithJson(
        exchange: HttpExchange,
        messages: readonly JSONRPCMessage[],
        requestIds: readonly RequestId[]
    ): Promise<void> {
        const answer = new JsonAnswer(exchange, this.session.headers, requestIds);
        this.outgoing.awaitJson(answer);
        try {
            await this.deliver(exchange, messages, false);
        } catch (error) {
            this.outgoing.forget(answer);
            throw error;
        }
    }

    private async answerWithStream(
        exchange: HttpExchange,
        messages: readonly JSONRPCMessage[],
        requestIds: readonly RequestId[],
        protocolVersion: string
    ): Promise<void> {
        const store: PrimingStore | undefined = this.options.eventStore;
        const streamId = store && randomName();
        const stream = this.outgoing.awaitStream(requestIds, streamId);
        // A client of an older revision can't come back before it has got a message, so its stream must not be ended before.
        const canComeBack = store !== undefined && streamId !== undefined && protocolVersion >= FIRST_VERSION_WITH_PRIMING;
        try {
            if (canComeBack) {
                const eventId = await store.storeEvent(streamId, {});
                stream.write(primingEvent(eventId, this.options.retryInterval));
                stream.resumable = true;
            }
            if (this.isClosed) {
                this.outgoing.forget(stream);
                refuse(exchange, SESSION_GONE);
                return;
            }
            await this.deliver(exchange, messages, canComeBack);
        } catch (error) {
            stream.end();
            this.outgoing.forget(stream);
            throw error;
        }
        stream.begin(this.startEventStream(exchange));
    }

    /** Hands messages on to the server. */
    private async deliver(exchange: HttpExchange, messages: readonly JSONRPCMessage[], canComeBack: boolean): Promise<void> {
        for (const message of messages) {
            if (this.session.changes) {
                await this.session.changes.received(message);
            }
            const extra = messageExtra(exchange);
            if (canComeBack && isRequest(message)) {
                extra.closeSSEStream = () => this.closeStream(message.id);
                extra.closeStandaloneSSEStream = () => this.closeStandaloneStream();
            }
            this.face.onmessage?.(message, extra);
        }
    }

    private async handleGet(exchange: HttpExchange): Promise<void> {
        const refusal = checkGetAccept(exchange) ?? this.session.check(exchange) ?? checkProtocolVersion(exchange);
        if (refusal) {
            this.refuse(exchange, refusal);
            return;
        }
        const lastEventId = exchange.header('last-event-id');
        if (this.options.eventStore && lastEventId) {
            await this.resume(exchange, this.options.eventStore, lastEventId);
        } else if (this.outgoing.hasStandaloneReader) {
            this.refuse(exchange, STANDALONE_CONFLICT);
        } else {
            this.outgoing.readStandalone(this.startEventStream(exchange));
        }
    }

    private async resume(exchange: HttpExchange, store: EventStore, lastEventId: EventId): Promise<void> {
        const replay = new EventReplay(() => this.startEventStream(exchange));
        try {
            if (store.getStreamIdForEventId) {
                const streamId = await store.getStreamIdForEventId(lastEventId);
                if (!streamId) {
                    this.refuse(exchange, UNKNOWN_EVENT);
                    return;
                }
                if (this.outgoing.hasReader(streamId)) {
                    this.refuse(exchange, STREAM_CONFLICT);
                    return;
                }
            }
            this.outgoing.startReplay(replay);
            const streamId = await store.replayEventsAfter(lastEventId, { send: (eventId, message) => replay.send(eventId, message) });
            if (!this.isClosed) {
                this.outgoing.finishReplay(replay, streamId);
            } else if (replay.begun) {
                replay.begun.end();
            } else {
                refuse(exchange, SESSION_GONE);
            }
        } catch (error) {
            this.report(error);
            if (replay.begun) {
                replay.begun.destroy();
            } else {
                refuse(exchange, REPLAY_FAILED);
            }
        } finally {
            this.outgoing.abandonReplay(replay);
        }
    }

    private async handleDelete(exchange: HttpExchange): Promise<void> {
        const refusal = this.session.check(exchange) ?? checkProtocolVersion(exchange);
        if (refusal) {
            this.refuse(exchange, refusal);
            return;
        }
        try {
            await this.session.end();
        } finally {
            this.close();
        }
        exchange.respond(200, {});
    }

    private startEventStream(exchange: HttpExchange): EventStreamSink {
        return exchange.startEventStream({ ...EVENT_STREAM_HEADERS, ...this.session.headers });
    }

    /** Refuses a request that is at fault, which `onerror` is told of. */
    private refuse(exchange: HttpExchange, refusal: Refusal): void {
        this.report(new Error(refusal.message));
        refuse(exchange, refusal);
    }

    private report(error: unknown): void {
        this.face.onerror?.(error instanceof Error ? error : new Error(String(error)));
    }
}

import type { EventReplay } from './eventReplay.js';
import type { EventId, EventStore, StreamId } from './eventStore.js';
import { messageEvent } from './eventText.js';
import type { EventStreamSink } from './httpExchange.js';
import { JsonAnswer } from './jsonAnswer.js';
import { isResponse } from './jsonRpcMessage.js';
import type { KeepAlive } from './keepAlive.js';
import { MessageStream, type StreamSurroundings } from './messageStream.js';
import type { Refusal } from './refusal.js';
import type { JSONRPCMessage, RequestId } from './sdk.js';
import { TransientMap } from './transientMap.js';

/** What answers a POST: a document, or a stream of messages. */
export type PostAnswer = JsonAnswer | MessageStream;

/** Name of the standalone stream within the event store. Stored events carry it, so it must not change. */
const STANDALONE_STREAM_ID: StreamId = '_GET_stream';

/**
 * Knows for every message of the server which HTTP response it goes to.
 *
 * Nothing is kept of a POST that is answered.
 */
export class OutgoingMessages {
    private readonly eventStore: EventStore | undefined;
    private readonly keepAlive: KeepAlive;
    private readonly onerror: (error: Error) => void;
    private readonly surroundings: StreamSurroundings;
    /** Answers to come, by request. */
    private readonly answers = new TransientMap<RequestId, PostAnswer>();
    private readonly standalone: MessageStream;
    /** Stored streams that have a reader or an answer to come. */
    private readonly streams = new TransientMap<StreamId, MessageStream>();
    private readonly replays = new Set<EventReplay>();
    /** Events that are stored right now, and will be written then. */
    private storing = 0;
    private closed = false;

    constructor(eventStore: EventStore | undefined, keepAlive: KeepAlive, onerror: (error: Error) => void) {
        this.eventStore = eventStore;
        this.keepAlive = keepAlive;
        this.onerror = onerror;
        this.surroundings = { keepAlive, onunread: stream => this.dropIfOver(stream) };
        this.standalone = new MessageStream(STANDALONE_STREAM_ID, [], this.surroundings);
    }

    /** Expects the answers to a POST's requests, which go into one document. */
    awaitJson(answer: JsonAnswer): void {
        this.register(answer);
    }

    /**
     * Expects the answers to a POST's requests, which go to a stream.
     * @param streamId of a stored stream.
     */
    awaitStream(requestIds: readonly RequestId[], streamId: StreamId | undefined): MessageStream {
        const stream = new MessageStream(streamId, requestIds, this.surroundings);
        stream.expectReader();
        if (streamId !== undefined) {
            this.streams.set(streamId, stream);
        }
        this.register(stream);
        return stream;
    }

    /** Expects the answers to a POST's requests no longer. */
    forget(answer: PostAnswer): void {
        for (const id of answer.requestIds) {
            if (this.answers.get(id) === answer) {
                this.answers.delete(id);
            }
        }
        if (answer instanceof MessageStream) {
            this.dropIfOver(answer);
        }
    }

    get hasStandaloneReader(): boolean {
        return this.standalone.hasReader;
    }

    readStandalone(sink: EventStreamSink): void {
        this.streams.set(STANDALONE_STREAM_ID, this.standalone);
        this.standalone.expectReader();
        this.standalone.begin(sink);
    }

    hasReader(streamId: StreamId): boolean {
        return this.streams.get(streamId)?.hasReader === true;
    }

    /** From here until `finishReplay` or `abandonReplay`, events that find no reader are offered to the replay. */
    startReplay(replay: EventReplay): void {
        this.replays.add(replay);
    }

    abandonReplay(replay: EventReplay): void {
        this.replays.delete(replay);
    }

    /** Makes the reader to which events were replayed the reader of their stream. */
    finishReplay(replay: EventReplay, streamId: StreamId): void {
        this.replays.delete(replay);
        const known = streamId === STANDALONE_STREAM_ID ? this.standalone : this.streams.get(streamId);
        const stream = known ?? new MessageStream(streamId, [], this.surroundings);
        stream.resume(replay.finish(streamId), this.storing > 0 ? replay.replayedEvents : undefined);
        this.streams.set(streamId, stream);
    }

    /** Ends the connection that reads the answer to a request. */
    endReader(requestId: RequestId): void {
        const answer = this.answers.get(requestId);
        if (answer instanceof JsonAnswer) {
            answer.abandon();
        } else {
            answer?.end();
        }
    }

    endStandaloneReader(): void {
        this.standalone.end();
    }

    /**
     * Sends a message of the server.
     * @throws if it answers, or belongs to, a request that is not waiting for an answer, or whose client can't get it any more.
     */
    async send(message: JSONRPCMessage, relatedRequestId: RequestId | undefined): Promise<void> {
        const requestId = isResponse(message) ? message.id : relatedRequestId;
        const answer = requestId === undefined ? this.standaloneFor(message) : this.answers.get(requestId);
        if (answer === undefined) {
            throw noConnection(requestId);
        }
        if (answer instanceof JsonAnswer) {
            this.sendJson(answer, message);
        } else if (this.eventStore === undefined) {
            this.write(answer, message, undefined);
        } else {
            await this.storeAndWrite(this.eventStore, answer, answer.id ?? STANDALONE_STREAM_ID, message);
        }
    }

    /** Ends all connections. What is sent from now on is dropped. */
    close(refusal: Refusal): void {
        this.closed = true;
        for (const answer of this.answers.values()) {
            if (answer instanceof JsonAnswer) {
                answer.refuse(refusal);
            } else {
                answer.end();
            }
        }
        for (const stream of this.streams.values()) {
            stream.end();
        }
        this.streams.clear();
        this.keepAlive.stop();
    }

    private register(answer: PostAnswer): void {
        for (const id of answer.requestIds) {
            // A client that reuses the id of a request in progress gets the response once, with the newer one.
            this.answers.get(id)?.leaveToAnother(id);
            this.answers.set(id, answer);
        }
    }

    private standaloneFor(message: JSONRPCMessage): MessageStream {
        if (isResponse(message)) {
            throw new Error('Cannot send a response on a standalone SSE stream unless resuming a previous client request');
        }
        return this.standalone;
    }

    /** A document has no place for anything but responses. */
    private sendJson(answer: JsonAnswer, message: JSONRPCMessage): void {
        const { isPending } = answer;
        if (isResponse(message) && answer.settle(message)) {
            this.forget(answer);
            if (!isPending && !this.closed) {
                throw noConnection(message.id);
            }
        }
    }

    private async storeAndWrite(store: EventStore, stream: MessageStream, streamId: StreamId, message: JSONRPCMessage): Promise<void> {
        this.storing++;
        try {
            const eventId = await store.storeEvent(streamId, message);
            this.write(stream, message, eventId);
        } finally {
            this.storing--;
        }
    }

    private write(stream: MessageStream, message: JSONRPCMessage, eventId: EventId | undefined): void {
        let isLast = false;
        if (isResponse(message) && message.id !== undefined) {
            stream.settle(message.id);
            isLast = stream.isAnswered;
            if (isLast) {
                this.forget(stream);
            }
        }
        if (stream.hasReader) {
            const text = eventId !== undefined && stream.wasReplayed(eventId) ? undefined : this.format(message, eventId);
            if (isLast) {
                stream.end(text);
            } else if (text !== undefined && stream.write(text) && eventId !== undefined) {
                stream.resumable = true;
            }
        } else if (!this.closed) {
            if (eventId !== undefined) {
                this.offerToReplays(stream, message, eventId);
            }
            if (isLast && !(eventId !== undefined && stream.resumable)) {
                throw noConnection(isResponse(message) ? message.id : undefined);
            }
        }
    }

    private offerToReplays(stream: MessageStream, message: JSONRPCMessage, eventId: EventId): void {
        if (this.replays.size > 0 && stream.id !== undefined) {
            const text = this.format(message, eventId);
            for (const replay of this.replays) {
                replay.miss(stream.id, eventId, text);
            }
        }
    }

    /** @returns `undefined`, after telling of the error, if the message can't be turned into JSON. */
    private format(message: JSONRPCMessage, eventId: EventId | undefined): string | undefined {
        try {
            return messageEvent(JSON.stringify(message), eventId === '' ? undefined : eventId);
        } catch (error) {
            this.onerror(error instanceof Error ? error : new Error(String(error)));
            return undefined;
        }
    }

    /** Drops a stream that nobody reads and that no answer will come to. */
    private dropIfOver(stream: MessageStream): void {
        if (stream.id !== undefined && !stream.hasReader && !stream.requestIds.some(id => this.answers.get(id) === stream)) {
            this.streams.delete(stream.id);
        }
    }
}

function noConnection(requestId: RequestId | undefined): Error {
    return new Error(`No connection established for request ID: ${String(requestId)}`);
}

import { messageEvent, primingEvent, retryHint } from '../http/eventText.js';
import type { EventStreamSink, HttpExchange } from '../http/httpExchange.js';
import type { KeepAlive } from '../http/keepAlive.js';
import { EVENT_STREAM_HEADERS } from '../http/requestChecks.js';
import type { JSONRPCMessage, RequestId } from '../http/sdk.js';
import type { PostAnswer } from './postAnswer.js';
import type { RequestStream } from './requestStream.js';
import type { Response } from './sessionTransport.js';

export interface SsePostAnswerOptions {
    readonly exchange: HttpExchange;
    readonly headers: Readonly<Record<string, string>>;
    readonly requestIds: readonly RequestId[];
    /** The event log, already open; `undefined` where the session is not resumable. */
    readonly stream: RequestStream | undefined;
    /** Whether the client understands an event without data, by its protocol version. */
    readonly priming: boolean;
    /** Reconnection delay that is suggested to the client, in milliseconds. */
    readonly retryMs: number | undefined;
    readonly keepAlive: KeepAlive;
    /** Whether other nodes may have declared this one dead since the request began. */
    readonly isDoubtful: () => boolean;
    readonly ondone: () => void;
}

/** Answers a POST with server-sent events. */
export class SsePostAnswer implements PostAnswer {
    readonly unanswered: Set<RequestId>;
    private readonly stream: RequestStream | undefined;
    private readonly retryMs: number | undefined;
    private readonly isDoubtful: () => boolean;
    private readonly ondone: () => void;
    private readonly stopKeepAlive: () => void;
    /** Let go of with the last event: the SDK may hold on to the answer for long after, and should not to the HTTP exchange. */
    private sink: EventStreamSink | undefined;
    private isDone = false;

    constructor({ exchange, headers, requestIds, stream, priming, retryMs, keepAlive, isDoubtful, ondone }: SsePostAnswerOptions) {
        this.unanswered = new Set(requestIds);
        this.stream = stream;
        this.retryMs = retryMs;
        this.isDoubtful = isDoubtful;
        this.ondone = ondone;
        this.sink = exchange.startEventStream({ ...EVENT_STREAM_HEADERS, ...headers });
        if (stream && priming) {
            this.sink.write(primingEvent(stream.openingEventId, retryMs));
        }
        this.stopKeepAlive = keepAlive.add(this.sink);
    }

    get streamId(): string | undefined {
        return this.stream?.id;
    }

    respond(response: Response): void | Promise<void> {
        if (response.id === undefined || !this.unanswered.delete(response.id)) {
            return undefined;
        }
        return this.say(JSON.stringify(response));
    }

    async sendRelated(message: JSONRPCMessage): Promise<boolean> {
        await this.say(JSON.stringify(message));
        return true;
    }

    cancel(id: RequestId): void {
        this.unanswered.delete(id);
        if (this.unanswered.size === 0) {
            this.finish();
            this.endSink();
        }
    }

    fail(code: number, message: string): void {
        for (const id of this.unanswered) {
            void this.respond({ jsonrpc: '2.0', id, error: { code, message } });
        }
    }

    detach(): boolean {
        if (this.sink === undefined || this.sink.closed) {
            return false;
        }
        if (this.stream) {
            this.stopKeepAlive();
            this.endSink(this.retryMs === undefined ? undefined : retryHint(this.retryMs));
        }
        return true;
    }

    async flushed(): Promise<void> {
        await this.stream?.flushed();
    }

    private say(json: string): void | Promise<void> {
        const eventId = this.stream?.add(json, this.unanswered);
        const last = this.unanswered.size === 0;
        if (last) {
            this.finish();
        }
        const text = messageEvent(json, eventId);
        if (this.stream && this.isDoubtful()) {
            return this.writeConfirmed(this.stream, text, last);
        }
        this.write(text, last);
        return undefined;
    }

    /** A node that may have been declared dead must first learn from the log whether somebody else has answered for it. */
    private async writeConfirmed(stream: RequestStream, text: string, last: boolean): Promise<void> {
        await stream.flushed();
        if (stream.fenced) {
            this.sink?.destroy();
            this.sink = undefined;
        } else {
            this.write(text, last);
        }
    }

    private write(text: string, last: boolean): void {
        if (last) {
            this.endSink(text);
        } else {
            this.sink?.write(text);
        }
    }

    private endSink(text?: string): void {
        this.sink?.end(text);
        this.sink = undefined;
    }

    private finish(): void {
        if (!this.isDone) {
            this.isDone = true;
            this.stopKeepAlive();
            this.stream?.close();
            this.ondone();
        }
    }
}

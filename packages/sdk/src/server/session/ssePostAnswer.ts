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
    private readonly options: SsePostAnswerOptions;
    private readonly sink: EventStreamSink;
    private isDone = false;

    constructor(options: SsePostAnswerOptions) {
        const { exchange, headers, requestIds, stream, priming, retryMs, keepAlive } = options;
        this.options = options;
        this.unanswered = new Set(requestIds);
        this.sink = exchange.startEventStream({ ...EVENT_STREAM_HEADERS, ...headers });
        if (stream && priming) {
            this.sink.write(primingEvent(stream.openingEventId, retryMs));
        }
        keepAlive.add(this.sink);
    }

    get streamId(): string | undefined {
        return this.options.stream?.id;
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
            this.sink.end();
        }
    }

    fail(code: number, message: string): void {
        for (const id of [...this.unanswered]) {
            void this.respond({ jsonrpc: '2.0', id, error: { code, message } });
        }
    }

    detach(): boolean {
        if (this.sink.closed) {
            return false;
        }
        if (this.options.stream) {
            this.options.keepAlive.remove(this.sink);
            this.sink.end(this.options.retryMs === undefined ? undefined : retryHint(this.options.retryMs));
        }
        return true;
    }

    async flushed(): Promise<void> {
        await this.options.stream?.flushed();
    }

    private say(json: string): void | Promise<void> {
        const eventId = this.options.stream?.add(json, this.unanswered);
        const last = this.unanswered.size === 0;
        if (last) {
            this.finish();
        }
        const text = messageEvent(json, eventId);
        if (this.options.stream && this.options.isDoubtful()) {
            return this.writeConfirmed(this.options.stream, text, last);
        }
        this.write(text, last);
        return undefined;
    }

    /** A node that may have been declared dead must first learn from the log whether somebody else has answered for it. */
    private async writeConfirmed(stream: RequestStream, text: string, last: boolean): Promise<void> {
        await stream.flushed();
        if (stream.fenced) {
            this.sink.destroy();
        } else {
            this.write(text, last);
        }
    }

    private write(text: string, last: boolean): void {
        if (last) {
            this.sink.end(text);
        } else {
            this.sink.write(text);
        }
    }

    private finish(): void {
        if (!this.isDone) {
            this.isDone = true;
            this.options.keepAlive.remove(this.sink);
            this.options.stream?.close();
            this.options.ondone();
        }
    }
}

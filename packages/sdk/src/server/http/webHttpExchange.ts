import { requestInfoOf, type RequestInfo } from './requestInfo.js';
import type { AuthInfo } from './sdk.js';
import { DEFAULT_MAX_BUFFERED_BYTES, type EventStreamSink, type HttpExchange } from './httpExchange.js';

const encoder = new TextEncoder();

/** Room in the buffer of an event stream, in bytes, from which on the reader counts as having caught up. */
const DRAINED_SIZE = DEFAULT_MAX_BUFFERED_BYTES / 2;

/** {@link HttpExchange} on web-standard `Request` and `Response`, for every runtime that has them. */
export class WebHttpExchange implements HttpExchange {
    readonly method: string;
    readonly hasValidUrl = true;
    readonly authInfo: AuthInfo | undefined;
    readonly parsedBody: unknown;
    /** Settles when the answer begins, or with what {@link fail} was told. */
    readonly response: Promise<Response>;
    private readonly request: Request;
    private answer: (response: Response) => void = () => undefined;
    private reject: (error: unknown) => void = () => undefined;

    constructor(request: Request, options: { authInfo?: AuthInfo | undefined; parsedBody?: unknown } = {}) {
        this.method = request.method;
        this.authInfo = options.authInfo;
        this.parsedBody = options.parsedBody;
        this.request = request;
        this.response = new Promise((resolve, reject) => {
            this.answer = resolve;
            this.reject = reject;
        });
    }

    /** There will be no answer, unless it has begun. */
    fail(error: unknown): void {
        this.reject(error);
    }

    get requestInfo(): RequestInfo {
        return requestInfoOf(this.request);
    }

    header(name: string): string | undefined {
        return this.request.headers.get(name) ?? undefined;
    }

    async readBody(maxBytes: number): Promise<string | undefined> {
        const { request } = this;
        if (Number(request.headers.get('content-length')) > maxBytes) {
            return undefined;
        }
        if (request.body === null) {
            return '';
        }
        const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
        const decoder = new TextDecoder();
        let size = 0;
        let text = '';
        try {
            for (;;) {
                const { done, value } = await reader.read();
                if (done) {
                    return text + decoder.decode();
                }
                size += value.byteLength;
                if (size > maxBytes) {
                    return undefined;
                }
                text += decoder.decode(value, { stream: true });
            }
        } finally {
            reader.releaseLock();
        }
    }

    respond(status: number, headers: Readonly<Record<string, string>>, body?: string): void {
        this.answer(new Response(body ?? null, { status, headers }));
    }

    startEventStream(headers: Readonly<Record<string, string>>): EventStreamSink {
        const sink = new WebEventStreamSink();
        this.answer(new Response(sink.readable, { status: 200, headers }));
        return sink;
    }
}

class WebEventStreamSink implements EventStreamSink {
    readonly readable: ReadableStream<Uint8Array>;
    private controller: ReadableStreamDefaultController<Uint8Array> | undefined;
    private ended = false;
    private lost = false;
    private lostListener: (() => void) | undefined;
    private ondrain: (() => void) | undefined;

    constructor() {
        this.readable = new ReadableStream<Uint8Array>(
            {
                start: controller => {
                    this.controller = controller;
                },
                pull: () => this.ondrain?.(),
                cancel: () => this.lose()
            },
            // `desiredSize` then counts bytes, so that it tells how far the reader is behind.
            { highWaterMark: DEFAULT_MAX_BUFFERED_BYTES, size: chunk => chunk?.byteLength ?? 0 }
        );
    }

    get closed(): boolean {
        return this.ended || this.lost;
    }

    get onlost(): (() => void) | undefined {
        return this.lostListener;
    }

    set onlost(listener: (() => void) | undefined) {
        this.lostListener = listener;
        if (listener && this.lost) {
            queueMicrotask(listener);
        }
    }

    write(text: string): boolean {
        if (this.closed || !this.controller) {
            return false;
        }
        // What has piled up counts, not the text itself: else a single message over the bound could reach no reader, however fast.
        if ((this.controller.desiredSize ?? 0) < 0) {
            this.controller.error(new Error('The reader of this event stream is too far behind; reconnect with Last-Event-ID'));
            this.lose();
            return false;
        }
        this.controller.enqueue(encoder.encode(text));
        return true;
    }

    whenBegun(listener: () => void): void {
        listener();
    }

    get behind(): boolean {
        return !this.closed && (this.controller?.desiredSize ?? 0) < DRAINED_SIZE;
    }

    async drained(): Promise<void> {
        while (this.behind) {
            await new Promise<void>(resolve => {
                this.ondrain = resolve;
            });
            this.ondrain = undefined;
        }
    }

    end(text?: string): void {
        if (this.closed || !this.controller) {
            return;
        }
        this.ended = true;
        if (text !== undefined) {
            this.controller.enqueue(encoder.encode(text));
        }
        this.controller.close();
    }

    destroy(): void {
        if (this.closed || !this.controller) {
            return;
        }
        this.ended = true;
        this.controller.error(new Error('The server closed this event stream; reconnect with Last-Event-ID'));
    }

    private lose(): void {
        if (this.ended || this.lost) {
            return;
        }
        this.lost = true;
        this.ondrain?.();
        this.lostListener?.();
    }
}

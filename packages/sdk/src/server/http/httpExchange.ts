import type { RequestInfo } from './requestInfo.js';
import type { AuthInfo } from './sdk.js';

/**
 * One HTTP request and the answer to it, as the protocol code sees them.
 *
 * The protocol is written once against this interface. It has two thin faces: `NodeHttpExchange` works on `IncomingMessage` and
 * `ServerResponse` directly, `WebHttpExchange` on `Request` and `Response`.
 */
export interface HttpExchange {
    readonly method: string;
    /** Whether there is a URL for {@link requestInfo} to tell. A request without one is answered 400, and its `requestInfo` throws. */
    readonly hasValidUrl: boolean;
    /** Who calls, as verified by middleware in front of the handler. */
    readonly authInfo: AuthInfo | undefined;
    /** Body that middleware has parsed already; `undefined` if it has not. */
    readonly parsedBody: unknown;
    /** Headers and URL in the form that the SDK hands to request handlers. */
    readonly requestInfo: RequestInfo;

    /** @param name lower case. @returns the value; those of a repeated header are joined by `, `. */
    header(name: string): string | undefined;

    /**
     * Reads the body as UTF-8 text.
     * @param maxBytes largest size that is read.
     * @returns `undefined` if the body is larger (no more than that is read of it).
     * @throws what the connection fails with.
     */
    readBody(maxBytes: number): Promise<string | undefined>;

    /** Answers at once and completely. Exactly one of `respond` and `startEventStream` is called, once. */
    respond(status: number, headers: Readonly<Record<string, string>>, body?: string): void;

    /** Answers 200 with a stream of server-sent events. */
    startEventStream(headers: Readonly<Record<string, string>>): EventStreamSink;
}

/** Where server-sent events of one HTTP response go. */
export interface EventStreamSink {
    /** True once the stream was ended, destroyed, or lost its reader. */
    readonly closed: boolean;

    /**
     * Called once, when the reader goes away or falls too far behind. Not called for `end` and `destroy`.
     * If the reader was gone already when this is set, it is called soon after.
     */
    onlost: (() => void) | undefined;

    /**
     * Writes text. A reader that lets more than the sink's bound pile up loses the stream: its connection is destroyed, so that a slow
     * or silent reader holds a bounded amount of memory.
     * @returns false if the text was not written, since the stream is closed.
     */
    write(text: string): boolean;

    /**
     * Calls back when the stream has begun, at once if it has. A stream that was complete before that never begins: it is a plain answer.
     * There is one such listener.
     */
    whenBegun(listener: () => void): void;

    /** Whether the reader has not taken yet what was written, and whoever has more to write should wait until it has {@link drained}. */
    readonly behind: boolean;

    /**
     * Resolves when the reader has taken what was written, or is gone. Whoever has much to write at once waits for it in between, so
     * that a reader that is merely slower than the writer does not lose the stream.
     */
    drained(): Promise<void>;

    /** Writes `text` if given and ends the stream. */
    end(text?: string): void;

    /** Ends the stream at once and drops what the reader has not taken. */
    destroy(): void;
}

/** Default of how many bytes a reader of an event stream may be behind: 4 MiB. */
export const DEFAULT_MAX_BUFFERED_BYTES = 4 * 1024 * 1024;

import type { ServerResponse } from 'node:http';
import { DEFAULT_MAX_BUFFERED_BYTES, type EventStreamSink } from './httpExchange.js';

/** What is held back at most until the pending microtasks are done, in characters. */
const MAX_HELD_BACK = 64 * 1024;

/**
 * {@link EventStreamSink} on a `ServerResponse`.
 *
 * What is written by the microtasks that are pending when the stream begins is held back until they are done. Most answers are
 * complete by then: they go out as one plain response, which needs neither chunks nor listeners.
 */
export class NodeEventStreamSink implements EventStreamSink {
    private readonly response: ServerResponse;
    private readonly headers: Readonly<Record<string, string>>;
    private readonly onfinish: () => void;
    private heldBack = '';
    private hasBegun = false;
    private ended = false;
    private lost = false;
    private lostListener: (() => void) | undefined;
    private begunListener: (() => void) | undefined;

    /** @param onfinish called once, when the stream has ended in whatever way. */
    constructor(response: ServerResponse, headers: Readonly<Record<string, string>>, onfinish: () => void) {
        this.response = response;
        this.headers = headers;
        this.onfinish = onfinish;
        // Microtasks are run until none is left before the next tick: whatever is answered without waiting for something outside of
        // this process is complete by then. `setImmediate` would do as well, but costs the event loop a turn of its own.
        queueMicrotask(() => process.nextTick(() => this.begin()));
    }

    get closed(): boolean {
        return this.ended || this.lost || this.response.destroyed || this.response.writableEnded;
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
        if (this.closed) {
            return false;
        }
        if (!this.hasBegun && this.heldBack.length + text.length <= MAX_HELD_BACK) {
            this.heldBack += text;
            return true;
        }
        this.begin();
        if (this.closed) {
            return false;
        }
        // What has piled up counts, not the text itself: else a single message over the bound could reach no reader, however fast.
        if (this.response.writableLength > DEFAULT_MAX_BUFFERED_BYTES) {
            this.response.destroy();
            this.lose();
            return false;
        }
        this.response.write(text);
        return true;
    }

    whenBegun(listener: () => void): void {
        if (this.hasBegun) {
            listener();
        } else {
            this.begunListener = listener;
        }
    }

    get behind(): boolean {
        return this.hasBegun && this.response.writableNeedDrain && !this.closed;
    }

    drained(): Promise<void> {
        const { response } = this;
        if (!this.behind) {
            return Promise.resolve();
        }
        return new Promise(resolve => {
            const done = (): void => {
                response.off('drain', done).off('close', done);
                resolve();
            };
            response.on('drain', done).on('close', done);
        });
    }

    end(text = ''): void {
        if (this.ended) {
            return;
        }
        this.ended = true;
        const { response } = this;
        if (this.hasBegun) {
            if (!response.destroyed && !response.writableEnded) {
                response.end(text);
            }
        } else if (!isTaken(response)) {
            const body = this.heldBack + text;
            this.hasBegun = true;
            response.writeHead(200, { ...this.headers, 'Content-Length': Buffer.byteLength(body) });
            response.end(body);
        }
        this.onfinish();
    }

    destroy(): void {
        this.ended = true;
        this.response.destroy();
        this.onfinish();
    }

    private begin(): void {
        const { response } = this;
        if (this.ended || this.hasBegun) {
            return;
        }
        if (isTaken(response)) {
            this.lose();
            return;
        }
        this.hasBegun = true;
        response.once('close', () => this.lose());
        response.writeHead(200, this.headers);
        if (this.heldBack === '') {
            response.flushHeaders();
        } else {
            response.write(this.heldBack);
            this.heldBack = '';
        }
        this.begunListener?.();
    }

    private lose(): void {
        if (this.ended || this.lost) {
            return;
        }
        this.lost = true;
        this.onfinish();
        this.lostListener?.();
    }
}

/** Whether there is nothing left to answer: the client is gone, or somebody else (a time limit of middleware, say) has answered. */
function isTaken(response: ServerResponse): boolean {
    return response.destroyed || response.headersSent;
}

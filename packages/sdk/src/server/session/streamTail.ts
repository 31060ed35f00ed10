import type { EventStreamSink } from '../http/httpExchange.js';
import { messageEvent } from '../http/eventText.js';
import type { EventStreams, StreamEvent } from '../transportStore.js';
import { formatEventId } from './eventIds.js';
import { readLogged } from './loggedEvent.js';
import { asStoreError, type StoreCalls } from './storeCalls.js';

export interface StreamTailOptions {
    readonly sessionId: string;
    readonly streamId: string;
    readonly streams: EventStreams;
    readonly calls: StoreCalls;
    readonly sink: EventStreamSink;
    /** Position to read from; `undefined` reads from the oldest event that is kept. */
    readonly after: string | undefined;
    /** Whether the stream goes on when its events are no longer kept, as the standalone stream does when nothing was sent for long. */
    readonly outlivesLog: boolean;
    /** Whether the client is given event ids. */
    readonly withIds: boolean;
    /** Names this reader, see `EventStreams.hold`. */
    readonly holder: string;
    readonly onended: (tail: StreamTail) => void;
    readonly onerror: (error: Error) => void;
}

/** What was published, and where. */
export interface PublishedEvent extends StreamEvent {
    /** See `EventStreams.publish`. */
    readonly previous: string | undefined;
}

const PAGE = 100;

/**
 * Reads a stream of the store into an HTTP response, and goes on as it grows.
 *
 * All is read from one cursor, so that nothing is doubled and nothing left out: being woken means only that there may be more.
 */
export class StreamTail {
    readonly streamId: string;
    readonly holder: string;
    private readonly options: StreamTailOptions;
    private position: string | undefined;
    private reading = false;
    private again = false;
    private isEnded = false;

    constructor(options: StreamTailOptions) {
        this.options = options;
        this.streamId = options.streamId;
        this.holder = options.holder;
        this.position = options.after;
        options.sink.onlost = () => this.stop();
    }

    get ended(): boolean {
        return this.isEnded;
    }

    /** Position of the last event that was handed to the client. */
    get delivered(): string | undefined {
        return this.position;
    }

    /**
     * Takes an event that was just published from who published it, if the client has got all that came before it and can take more.
     * @returns false if the event must be read.
     */
    take({ previous, position, data }: PublishedEvent): boolean {
        if (this.reading || this.isEnded || this.position === undefined || this.position !== previous || this.options.sink.behind) {
            return false;
        }
        return this.write(position, data);
    }

    /** Reads what there is, now or right after the reading that is under way. */
    wake(): void {
        this.again = true;
        if (!this.reading && !this.isEnded) {
            void this.read();
        }
    }

    /** Ends the response. @param text written before the end. */
    end(text?: string): void {
        if (!this.isEnded) {
            this.options.sink.end(text);
            this.stop();
        }
    }

    /** Cuts the response off. */
    destroy(): void {
        if (!this.isEnded) {
            this.options.sink.destroy();
            this.stop();
        }
    }

    private stop(): void {
        if (!this.isEnded) {
            this.isEnded = true;
            this.options.onended(this);
        }
    }

    private async read(): Promise<void> {
        const { calls, streams, sessionId, sink, onerror } = this.options;
        this.reading = true;
        try {
            while (this.again && !this.isEnded) {
                this.again = false;
                const page = await calls.run(() => streams.read(sessionId, this.streamId, this.position, PAGE));
                if (this.isEnded) {
                    return;
                }
                if (page.status === 'unknown' && this.options.outlivesLog) {
                    continue;
                }
                if (page.status !== 'ok') {
                    // The session is gone, or the client was too slow: it learns that when it asks again with the id it has.
                    this.end();
                    return;
                }
                for (const { position, data } of page.events) {
                    if (!this.write(position, data)) {
                        return;
                    }
                    // A reader that is slower than the store must not lose the stream for it. What it has not taken waits in the store.
                    if (sink.behind) {
                        await sink.drained();
                    }
                    if (this.ended) {
                        return;
                    }
                }
                if (page.closed) {
                    this.end();
                } else if (page.events.length === PAGE) {
                    this.again = true;
                }
            }
        } catch (error) {
            // The stream stays open; the next wake or tick reads on from the same position.
            onerror(asStoreError(error));
        } finally {
            this.reading = false;
        }
    }

    private write(position: string, data: string): boolean {
        const logged = readLogged(data);
        if (logged?.kind === 'message') {
            const id = this.options.withIds ? formatEventId(this.streamId, position) : undefined;
            if (!this.options.sink.write(messageEvent(logged.json, id))) {
                return false;
            }
        }
        this.position = position;
        return true;
    }
}

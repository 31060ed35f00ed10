import { CausedError } from './causedError.js';
import type { RequestId } from '../http/sdk.js';
import type { EventStreams, StreamRetention } from '../transportStore.js';
import { formatEventId } from './eventIds.js';
import { logMessage, logUnanswered } from './loggedEvent.js';
import type { StoreCalls } from './storeCalls.js';

export interface RequestStreamOptions {
    readonly sessionId: string;
    readonly streamId: string;
    readonly streams: EventStreams;
    readonly calls: StoreCalls;
    readonly retention: StreamRetention;
    /** Tells the reader of the stream, if there is one, that there is more to read. */
    readonly wake: (holder: string, streamId: string) => void;
    /** Another node has declared this one dead and ended the stream, or the session is gone: what runs for it runs in vain. */
    readonly onfenced: () => void;
    /** The stream is complete in the log, or given up. */
    readonly onfinished: () => void;
    readonly onerror: (error: Error) => void;
}

/** At the latest after so many events a note of the unanswered requests is added, so that one is always among the events that are kept. */
const LONGEST_NOTE_INTERVAL = 100;
/** What may wait for a store that does not answer; beyond it the stream is given up. */
const MAX_WAITING_EVENTS = 10_000;
const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 1_000;

/**
 * The event log of one POST's answer, written by the node that answers it.
 *
 * Only the opening is waited for, together with the request's own store call. From then on ids are made here, and events are written
 * behind the client's back, in order, as many at once as have gathered. A client may therefore hold an id that is not in the log yet
 * (or ever, if the node dies at that moment): readers take such an id as "everything so far".
 */
export class RequestStream {
    readonly id: string;
    private readonly options: RequestStreamOptions;
    private waiting: { number: number; data: string }[] = [];
    private nextNumber = 1;
    private unanswered: Iterable<RequestId> = [];
    private sinceNote = 0;
    private notedAt = performance.now();
    private closing = false;
    private isFenced = false;
    private isComplete = false;
    private writing: Promise<void> | undefined;

    constructor(options: RequestStreamOptions) {
        this.id = options.streamId;
        this.options = options;
    }

    /** Id of the opening, which a client can resume from before it has got anything. */
    get openingEventId(): string {
        return formatEventId(this.id, 0);
    }

    get fenced(): boolean {
        return this.isFenced;
    }

    /**
     * Makes the stream known to all nodes.
     * @returns false if the session does not exist.
     * @throws TransportStoreError
     */
    async open(requestIds: readonly RequestId[]): Promise<boolean> {
        const { calls, streams, sessionId, retention } = this.options;
        this.unanswered = requestIds;
        const event = { number: 0, data: logUnanswered(requestIds) };
        const result = await calls.run(() => streams.append(sessionId, this.id, [event], retention));
        return result.status === 'ok';
    }

    /**
     * Adds a message.
     * @param unanswered requests without a response after this message.
     * @returns its event id.
     */
    add(json: string, unanswered: ReadonlySet<RequestId>): string {
        const number = this.nextNumber++;
        this.unanswered = unanswered;
        this.waiting.push({ number, data: logMessage(json) });
        if (++this.sinceNote >= Math.min(this.options.retention.maxEvents / 2, LONGEST_NOTE_INTERVAL)) {
            this.note();
        }
        this.write();
        return formatEventId(this.id, number);
    }

    /**
     * To be called now and then while the stream is open: sees to it that events which are dropped for their age leave a note, and that
     * the stream itself is not dropped because nothing was said for long.
     */
    keep(): void {
        if (!this.closing && !this.isFenced && performance.now() - this.notedAt >= this.options.retention.ttlMs / 3) {
            this.note();
            this.write();
        }
    }

    private note(): void {
        this.sinceNote = 0;
        this.notedAt = performance.now();
        this.waiting.push({ number: this.nextNumber++, data: logUnanswered(this.unanswered) });
    }

    /** Nothing more will be added. */
    close(): void {
        this.closing = true;
        this.write();
    }

    /** Closes the stream of a request that was refused: once, since nobody knows it; if the store can't, the stream expires. */
    abandon(): void {
        const { calls, streams, sessionId, retention, onfinished } = this.options;
        this.isFenced = true;
        calls
            .run(() => streams.append(sessionId, this.id, [], { ...retention, close: true }))
            .catch(() => undefined)
            .finally(onfinished);
    }

    /** Resolves when everything added so far is written, or given up. */
    async flushed(): Promise<void> {
        await this.writing;
    }

    private write(): void {
        this.writing ??= this.drain();
    }

    private async drain(): Promise<void> {
        const { calls, streams, sessionId, retention, wake, onfenced, onfinished, onerror } = this.options;
        // A turn later, so that what is added in one go (a result, and the end of the stream with it) is one store call.
        await Promise.resolve();
        let retryMs = FIRST_RETRY_MS;
        while (!this.isFenced && !this.isComplete && (this.waiting.length > 0 || this.closing)) {
            const events = this.waiting;
            this.waiting = [];
            const close = this.closing;
            try {
                const result = await calls.run(() => streams.append(sessionId, this.id, events, { ...retention, close }));
                if (result.status !== 'ok') {
                    this.isFenced = true;
                    onfenced();
                } else {
                    this.isComplete = close;
                    retryMs = FIRST_RETRY_MS;
                    if (result.holder !== undefined) {
                        wake(result.holder, this.id);
                    }
                }
            } catch (error) {
                // The append may have happened; repeating it does no harm, as the numbers tell what the store has already.
                this.waiting = [...events, ...this.waiting];
                if (this.waiting.length > MAX_WAITING_EVENTS) {
                    this.isFenced = true;
                    onerror(
                        new CausedError(`The event log ${this.id} was given up: the store has not answered for too long`, { cause: error })
                    );
                    break;
                }
                await new Promise(resolve => setTimeout(resolve, retryMs));
                retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
            }
        }
        // In the turn of the last look at what waits: what is added in a later one must find that nobody writes.
        this.writing = undefined;
        if (this.isFenced || this.isComplete) {
            onfinished();
        }
    }
}

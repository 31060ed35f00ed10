import type { EventId, StreamId } from './eventStore.js';
import { messageEvent } from './eventText.js';
import type { EventStreamSink } from './httpExchange.js';
import type { JSONRPCMessage } from './sdk.js';

/** What is held back, in characters, so that a replay that fails can be answered with an error status; beyond it the answer begins. */
const MAX_HELD_BACK = 256 * 1024;

/** Stored events on their way to a reader that has come back for them. */
export class EventReplay {
    private readonly begin: () => EventStreamSink;
    private readonly replayed = new Set<EventId>();
    private missed: { streamId: StreamId; eventId: EventId; text: string }[] = [];
    private heldBack = '';
    private sink: EventStreamSink | undefined;

    /** @param begin starts the HTTP answer. */
    constructor(begin: () => EventStreamSink) {
        this.begin = begin;
    }

    get replayedEvents(): ReadonlySet<EventId> {
        return this.replayed;
    }

    /** Where events go, if the HTTP answer has begun. */
    get begun(): EventStreamSink | undefined {
        return this.sink;
    }

    /** Sends an event; resolves when the next one may be sent. */
    async send(eventId: EventId, message: JSONRPCMessage): Promise<void> {
        this.replayed.add(eventId);
        const text = messageEvent(JSON.stringify(message), eventId);
        if (this.sink === undefined && this.heldBack.length + text.length <= MAX_HELD_BACK) {
            this.heldBack += text;
            return;
        }
        const sink = this.open();
        if (!sink.write(text)) {
            throw new Error('Failed replay events');
        }
        if (sink.behind) {
            await sink.drained();
        }
    }

    /**
     * Takes an event that was stored while the replay ran and whose stream had no reader: the replay may have been past it, and the
     * stream does not have its new reader yet.
     */
    miss(streamId: StreamId, eventId: EventId, text: string | undefined): void {
        if (text !== undefined) {
            this.missed.push({ streamId, eventId, text });
        }
    }

    /** Sends what is held back and what was missed. @returns the reader, for what follows. */
    finish(streamId: StreamId): EventStreamSink {
        const sink = this.open();
        for (const event of this.missed) {
            if (event.streamId === streamId && !this.replayed.has(event.eventId)) {
                sink.write(event.text);
            }
        }
        this.missed = [];
        return sink;
    }

    private open(): EventStreamSink {
        if (this.sink === undefined) {
            this.sink = this.begin();
            if (this.heldBack !== '') {
                this.sink.write(this.heldBack);
                this.heldBack = '';
            }
        }
        return this.sink;
    }
}

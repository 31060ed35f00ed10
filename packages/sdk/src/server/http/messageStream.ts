import type { EventId, StreamId } from './eventStore.js';
import type { EventStreamSink } from './httpExchange.js';
import type { KeepAlive } from './keepAlive.js';
import type { RequestId } from './sdk.js';

/** What streams share. */
export interface StreamSurroundings {
    readonly keepAlive: KeepAlive;
    /** A stream has no reader any more. */
    readonly onunread: (stream: MessageStream) => void;
}

/**
 * A stream of messages to the client: the answer to one POST, or the standalone stream.
 *
 * It has one reader at most, and outlives it where events are stored: the next connection reads on.
 */
export class MessageStream {
    /** Name within the event store; `undefined` where events are not stored. */
    readonly id: StreamId | undefined;
    /** Requests that the stream answers. */
    readonly requestIds: readonly RequestId[];
    /** Whether the client has got an event id, so that it can come back for what it misses. */
    resumable = false;
    private readonly unanswered: RequestId[];
    private readonly surroundings: StreamSurroundings;
    private sink: EventStreamSink | undefined;
    private stopKeepAlive: () => void = () => undefined;
    /** Text for a reader whose HTTP answer has not begun; `undefined` where no such reader is expected. */
    private early: string | undefined;
    private endsEarly = false;
    private replayed: ReadonlySet<EventId> | undefined;

    /** @param requestIds without repetitions. */
    constructor(id: StreamId | undefined, requestIds: readonly RequestId[], surroundings: StreamSurroundings) {
        this.id = id;
        this.requestIds = requestIds;
        this.unanswered = [...requestIds];
        this.surroundings = surroundings;
    }

    get hasReader(): boolean {
        return this.sink === undefined ? this.early !== undefined && !this.endsEarly : !this.sink.closed;
    }

    /** Whether every request has its response. */
    get isAnswered(): boolean {
        return this.unanswered.length === 0;
    }

    /** Notes that a request has its response. */
    settle(id: RequestId): void {
        const index = this.unanswered.indexOf(id);
        if (index >= 0) {
            this.unanswered.splice(index, 1);
        }
    }

    /** The response to this request will go elsewhere. */
    leaveToAnother(id: RequestId): void {
        this.settle(id);
    }

    /** Announces a reader whose HTTP answer begins a little later; what is written until then waits for it. */
    expectReader(): void {
        this.early = '';
    }

    /** Gives the stream the reader that was announced. */
    begin(sink: EventStreamSink): void {
        const { early, endsEarly } = this;
        this.early = undefined;
        if (endsEarly) {
            sink.end(early);
            this.surroundings.onunread(this);
            return;
        }
        this.connect(sink);
        if (early) {
            sink.write(early);
        }
    }

    /**
     * Gives the stream a new reader, and ends the one before.
     * @param replayed events that it has got already, where one of them may yet be written, see {@link wasReplayed}.
     */
    resume(sink: EventStreamSink, replayed: ReadonlySet<EventId> | undefined): void {
        this.end();
        this.resumable = true;
        this.connect(sink);
        this.replayed = replayed;
    }

    /** Whether the reader has got an event by replay that was stored, but not written, when it came. */
    wasReplayed(eventId: EventId): boolean {
        return this.replayed?.has(eventId) === true;
    }

    /** @returns false if there is no reader. */
    write(text: string): boolean {
        if (this.early !== undefined && !this.endsEarly) {
            this.early += text;
            return true;
        }
        return this.sink?.write(text) === true;
    }

    /** Writes `text` if given, and lets the reader go. */
    end(text?: string): void {
        if (this.early !== undefined) {
            this.early += this.endsEarly ? '' : (text ?? '');
            this.endsEarly = true;
            return;
        }
        const { sink } = this;
        if (sink !== undefined) {
            this.disconnect();
            sink.end(text);
            this.surroundings.onunread(this);
        }
    }

    private connect(sink: EventStreamSink): void {
        this.sink = sink;
        this.stopKeepAlive = this.surroundings.keepAlive.add(sink);
        sink.onlost = () => {
            if (this.sink === sink) {
                this.disconnect();
                this.surroundings.onunread(this);
            }
        };
    }

    private disconnect(): void {
        this.sink = undefined;
        this.replayed = undefined;
        this.stopKeepAlive();
    }
}

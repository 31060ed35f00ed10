import { KEEP_ALIVE_COMMENT } from './eventText.js';
import type { EventStreamSink } from './httpExchange.js';
import { TransientSet } from './transientSet.js';

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Keeps event streams alive through intermediaries that close silent connections, by a comment now and then.
 *
 * All streams share one timer, which runs only while there are streams. A stream gets its first comment after half an interval to one
 * and a half.
 */
export class KeepAlive {
    private readonly intervalMs: number;
    private readonly streams = new TransientSet<{ readonly sink: EventStreamSink; due: boolean }>();
    private timer: ReturnType<typeof setInterval> | undefined;

    /** @param intervalMs time between comments in milliseconds; below 1 or not finite turns them off. */
    constructor(intervalMs: number) {
        this.intervalMs = intervalMs;
    }

    /** @returns takes the stream out again. */
    add(sink: EventStreamSink): () => void {
        if (!Number.isFinite(this.intervalMs) || this.intervalMs < 1) {
            return () => undefined;
        }
        let remove: (() => void) | undefined;
        let isOver = false;
        // Most answers are complete before they would begin as a stream; they need no timer.
        sink.whenBegun(() => {
            remove = isOver ? undefined : this.start(sink);
        });
        return () => {
            isOver = true;
            remove?.();
            if (this.streams.size === 0) {
                this.stop();
            }
        };
    }

    stop(): void {
        clearInterval(this.timer);
        this.timer = undefined;
    }

    private start(sink: EventStreamSink): () => void {
        if (this.timer === undefined) {
            this.timer = setInterval(() => this.tick(), Math.min(this.intervalMs / 2, LONGEST_TIMER_MS));
            // A timer must not keep a process running; runtimes other than Node have no such notion.
            if (typeof this.timer === 'object' && 'unref' in this.timer) {
                this.timer.unref();
            }
        }
        return this.streams.add({ sink, due: false });
    }

    /** Writes to the streams that have been here for half an interval at least, which halves the timer's rate for each of them. */
    private tick(): void {
        for (const stream of this.streams.values()) {
            if (stream.due) {
                stream.sink.write(KEEP_ALIVE_COMMENT);
            }
            stream.due = !stream.due;
        }
    }
}

import { KEEP_ALIVE_COMMENT } from './eventText.js';
import type { EventStreamSink } from './httpExchange.js';

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Keeps event streams alive through intermediaries that close silent connections, by a comment now and then.
 *
 * All streams share one timer, which runs only while there are streams. A stream gets its first comment after half an interval to one
 * and a half.
 */
export class KeepAlive {
    private readonly intervalMs: number;
    private readonly sinks = new Map<EventStreamSink, boolean>();
    private timer: ReturnType<typeof setInterval> | undefined;

    /** @param intervalMs time between comments in milliseconds; below 1 or not finite turns them off. */
    constructor(intervalMs: number) {
        this.intervalMs = intervalMs;
    }

    add(sink: EventStreamSink): void {
        if (!Number.isFinite(this.intervalMs) || this.intervalMs < 1) {
            return;
        }
        this.sinks.set(sink, false);
        if (this.timer === undefined) {
            this.timer = setInterval(() => this.tick(), Math.min(this.intervalMs / 2, LONGEST_TIMER_MS));
            // A timer must not keep a process running; runtimes other than Node have no such notion.
            if (typeof this.timer === 'object' && 'unref' in this.timer) {
                this.timer.unref();
            }
        }
    }

    remove(sink: EventStreamSink): void {
        this.sinks.delete(sink);
        if (this.sinks.size === 0) {
            this.stop();
        }
    }

    stop(): void {
        clearInterval(this.timer);
        this.timer = undefined;
        this.sinks.clear();
    }

    /** Writes to the streams that have been here for half an interval at least, which halves the timer's rate for each of them. */
    private tick(): void {
        for (const [sink, due] of this.sinks) {
            if (sink.closed) {
                this.sinks.delete(sink);
            } else {
                this.sinks.set(sink, !due);
                if (due) {
                    sink.write(KEEP_ALIVE_COMMENT);
                }
            }
        }
        if (this.sinks.size === 0) {
            this.stop();
        }
    }
}

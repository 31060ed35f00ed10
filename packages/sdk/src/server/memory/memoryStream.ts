import type { StreamEvent, StreamRetention } from '../transportStore.js';

/** Which of the two ways of writing a stream is written in. */
export type WritingKind = 'append' | 'publish';

/**
 * One event stream.
 *
 * Dropping a stream after its time forgets its events, but for as long as it is held or may be written to again the stream remembers
 * how far it had come: else a reader with an old position would take what is written later for all that there was.
 */
export class MemoryStream {
    /** The one reader, if there is one. */
    holder: string | undefined;
    closed = false;
    /** Set by the first write. */
    kind: WritingKind | undefined;

    /** Their positions are decimal numbers, growing. */
    readonly #events: StreamEvent[] = [];
    #newest: number;
    /** Number of the newest event that is no longer kept. A reader who has not come as far has missed something. */
    #lostUpTo: number;
    #expiresAt = Infinity;
    #dropped = true;

    /** @param lostUpTo positions up to this one were given to streams before this one. */
    constructor(lostUpTo: number) {
        this.#newest = lostUpTo;
        this.#lostUpTo = lostUpTo;
    }

    /** Whether nothing is lost when the stream is removed, if it is {@link dropped}. */
    get forgettable(): boolean {
        return this.holder === undefined && (this.closed || this.kind === undefined);
    }

    /** Whether the stream has nothing to read: not written to yet, or not since its time was over. */
    get dropped(): boolean {
        return this.#dropped;
    }

    /** Number of the newest event there ever was, or one up to which there is none. */
    get newest(): number {
        return this.#newest;
    }

    /** Starts the writing of a stream with one producer, whose numbers have nothing to do with positions that were published. */
    startAppending(): void {
        this.kind = 'append';
        this.#newest = -1;
        this.#lostUpTo = -1;
    }

    /** Adds events that are newer than the newest; the caller calls {@link written} afterwards. */
    add(number: number, data: string): void {
        if (number > this.#newest) {
            this.#newest = number;
            this.#events.push({ position: String(number), data });
        }
    }

    /** Applies the retention after a write. */
    written(now: number, retention: StreamRetention): void {
        this.#dropped = false;
        this.#expiresAt = now + retention.ttlMs;
        // Trimmed in one go, when a good number can go: removing the head of an array moves the rest.
        const surplus = this.#events.length - retention.maxEvents;
        if (surplus > Math.max(100, retention.maxEvents / 10)) {
            this.#lose(surplus);
        }
    }

    /**
     * Drops the events if the time of the stream is over.
     * @returns whether the stream is dropped, now or before.
     */
    dropExpired(now: number): boolean {
        if (this.#expiresAt <= now) {
            this.#expiresAt = Infinity;
            this.#dropped = true;
            this.#lostUpTo = this.#newest;
            this.#events.length = 0;
        }
        return this.#dropped;
    }

    /** @returns the events after a number, oldest first, and whether they are the last; `undefined` if some are no longer kept. */
    read(after: number | undefined, limit: number): { events: readonly StreamEvent[]; closed: boolean } | undefined {
        if (after !== undefined && after < this.#lostUpTo) {
            return undefined;
        }
        const start = after === undefined ? 0 : this.#indexAfter(after);
        const events = this.#events.slice(start, start + limit);
        return { events, closed: this.closed && start + events.length === this.#events.length };
    }

    #lose(count: number): void {
        const newestLost = this.#events[count - 1];
        if (newestLost !== undefined) {
            this.#lostUpTo = Number(newestLost.position);
            this.#events.splice(0, count);
        }
    }

    #indexAfter(number: number): number {
        if (number >= this.#newest) {
            return this.#events.length;
        }
        let low = 0;
        let high = this.#events.length;
        while (low < high) {
            const middle = (low + high) >>> 1;
            if (Number(this.#events[middle]?.position) <= number) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }
}

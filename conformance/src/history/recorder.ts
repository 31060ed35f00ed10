import type { HistoryEvent } from './historyEvent.ts';

type WithoutTime<Event> = Event extends unknown ? Omit<Event, 'at'> : never;

/** A step of a history before it is recorded. */
export type HistoryStep = WithoutTime<HistoryEvent>;

/** Writes down what happens, in the order in which it happens. Several clients may share one; then their operations are numbered together. */
export class Recorder {
    private readonly start = performance.now();
    private readonly recorded: HistoryEvent[] = [];
    private readonly onevent: (event: HistoryEvent) => void;
    private lastOp = 0;

    /** @param onevent is told each event when it is recorded, for instance to append it to a file. */
    constructor(onevent: (event: HistoryEvent) => void = () => undefined) {
        this.onevent = onevent;
    }

    /** All that was recorded so far. */
    get events(): readonly HistoryEvent[] {
        return this.recorded;
    }

    /** A number for an operation that begins. */
    nextOp(): number {
        return ++this.lastOp;
    }

    record(step: HistoryStep): void {
        const event: HistoryEvent = { ...step, at: Math.round((performance.now() - this.start) * 1000) / 1000 };
        this.recorded.push(event);
        this.onevent(event);
    }
}

import { setTimeout as delay } from 'node:timers/promises';

/** One operation of a worker, which checks its own answers. @throws WrongAnswerError */
export type Operation = (worker: number) => Promise<void>;

/** How often the paced load looks at the clock, in milliseconds. */
const TICK_MS = 5;

/**
 * Keeps all workers busy for a time.
 * @returns operations per second.
 */
export async function closedLoop(operation: Operation, workers: number, durationMs: number): Promise<number> {
    const begun = performance.now();
    let done = 0;
    await Promise.all(
        Array.from({ length: workers }, async (_, worker) => {
            while (performance.now() - begun < durationMs) {
                await operation(worker);
                done++;
            }
        })
    );
    return (done / (performance.now() - begun)) * 1000;
}

/**
 * Begins operations at a given rate, whatever the last ones took, so that every server gets the same work in the same time.
 * A worker whose operation is not done yet leaves its turn to the next; what no worker could take is made up for as soon as one can.
 * @param rate operations per second.
 * @returns how many operations were done.
 */
export async function pacedLoad(operation: Operation, workers: number, rate: number, durationMs: number): Promise<number> {
    const begun = performance.now();
    const free = Array.from({ length: workers }, (_, worker) => worker);
    const running = new Set<Promise<void>>();
    const failures: unknown[] = [];
    let started = 0;
    const total = Math.round((rate * durationMs) / 1000);
    while (started < total && failures.length === 0) {
        const due = Math.min(total, Math.ceil(((performance.now() - begun) / 1000) * rate));
        while (started < due) {
            const worker = free.shift();
            if (worker === undefined) {
                break;
            }
            started++;
            const one = operation(worker)
                .catch((error: unknown) => {
                    failures.push(error);
                })
                .finally(() => {
                    free.push(worker);
                    running.delete(one);
                });
            running.add(one);
        }
        await (free.length === 0 ? Promise.race(running) : delay(TICK_MS));
    }
    await Promise.all(running);
    if (failures.length > 0) {
        throw failures[0];
    }
    return started;
}

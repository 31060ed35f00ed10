import { fail } from 'node:assert/strict';

/** How long, in milliseconds, something may take that a store does in its own time. Only reached by stores that never do it. */
const patienceMs = 10_000;
const pollIntervalMs = 10;

function pause(): Promise<void> {
    return new Promise(resolve => setTimeout(resolve, pollIntervalMs));
}

/**
 * Asks again and again until the answer is as it must become.
 *
 * @param what the expected state, for the message of the failure.
 * @param condition whether it is reached.
 * @param extraMs time that must pass first in any case, in milliseconds.
 */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>, extraMs = 0): Promise<void> {
    const deadline = Date.now() + extraMs + patienceMs;
    while (!(await condition())) {
        if (Date.now() > deadline) {
            fail(`Not reached within ${extraMs + patienceMs} ms: ${what}`);
        }
        await pause();
    }
}

/** Resolves as the promise does, or fails if it does not settle in a time that is more than enough. */
export async function settled<Result>(what: string, promise: Promise<Result>): Promise<Result> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`Neither resolved nor rejected within ${patienceMs} ms: ${what}`)), patienceMs);
    });
    try {
        return await Promise.race([promise, timeout]);
    } finally {
        clearTimeout(timer);
    }
}

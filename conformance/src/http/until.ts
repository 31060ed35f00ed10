import { setTimeout as delay } from 'node:timers/promises';

const intervalMs = 25;

/**
 * Asks again and again until the answer is "yes".
 *
 * @param what is waited for, for the error message.
 * @param probe resolves to `undefined` for "yes", else to why not. A rejection is a "no" too.
 * @throws {Error} with the last reason after `timeoutMs` milliseconds.
 */
export async function until(what: string, timeoutMs: number, probe: () => Promise<string | undefined>): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
        const reason = await probe().catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
        if (reason === undefined) {
            return;
        }
        if (performance.now() > deadline) {
            throw new Error(`Waited ${timeoutMs / 1000} s in vain for ${what}: ${reason}`);
        }
        await delay(intervalMs);
    }
}

import { TransportStoreError } from '@modelcontextprotocol/sdk/server/transportStore.js';

/** Longest duration that Redis can add to the time of day, with room to spare: about 31,000 years. */
const longestMs = 1e15;

/**
 * A duration in milliseconds as an argument for Redis, which takes whole milliseconds.
 * @throws {TransportStoreError} `STORE_MISUSED` unless it is positive.
 */
export function checkedDuration(name: string, ms: number): string {
    if (!(ms > 0)) {
        throw new TransportStoreError('STORE_MISUSED', `"${name}" must be a positive number of milliseconds, not ${ms}.`);
    }
    return String(Math.ceil(Math.min(ms, longestMs)));
}

/**
 * A number of things.
 * @throws {TransportStoreError} `STORE_MISUSED` unless it is a positive integer.
 */
export function checkedCount(name: string, count: number): string {
    if (!Number.isSafeInteger(count) || count < 1) {
        throw new TransportStoreError('STORE_MISUSED', `"${name}" must be a positive integer, not ${count}.`);
    }
    return String(count);
}

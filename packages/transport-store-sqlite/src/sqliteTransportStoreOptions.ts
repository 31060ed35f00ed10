import { TransportStoreError } from '@modelcontextprotocol/sdk/server/transportStore.js';

/** Options of a `SqliteTransportStore`. */
export interface SqliteTransportStoreOptions {
    /**
     * Milliseconds between two looks for messages that other processes have sent to this one: the longest that a message waits. A look
     * at an unchanged file costs about as much as the timer that starts it. Default: 25.
     */
    readonly pollIntervalMs?: number | undefined;
    /**
     * Longest time in milliseconds that an operation waits for other processes' transactions, without blocking this process; it then
     * rejects with `STORE_UNAVAILABLE`, and nothing was written. Default: 5000, longer than the session layer waits.
     */
    readonly lockWaitMs?: number | undefined;
    /** Most messages that wait in the inbox of one node; `send` rejects with `STORE_FULL` beyond them and keeps none. Default: 10,000. */
    readonly maxInboxMessages?: number | undefined;
    /**
     * Milliseconds between two looks for expired sessions, streams and nodes, which are then removed a few at a time. They are absent to
     * every operation long before that. Default: 1000.
     */
    readonly sweepIntervalMs?: number | undefined;
}

/** Options with their defaults filled in. */
export type Settings = { readonly [Name in keyof SqliteTransportStoreOptions]-?: number };

/** @throws {TransportStoreError} `STORE_MISUSED` if an option is not a positive integer. */
export function settingsFrom(options: SqliteTransportStoreOptions): Settings {
    return {
        pollIntervalMs: positive('pollIntervalMs', options.pollIntervalMs ?? 25),
        lockWaitMs: positive('lockWaitMs', options.lockWaitMs ?? 5000),
        maxInboxMessages: positive('maxInboxMessages', options.maxInboxMessages ?? 10_000),
        sweepIntervalMs: positive('sweepIntervalMs', options.sweepIntervalMs ?? 1000)
    };
}

function positive(name: keyof SqliteTransportStoreOptions, value: number): number {
    // Node's timers take up to 2^31-1 milliseconds.
    if (!Number.isInteger(value) || value < 1 || value > 0x7fffffff) {
        throw new TransportStoreError(
            'STORE_MISUSED',
            `The option "${name}" of the SQLite transport store must be an integer from 1 to 2147483647, not ${String(value)}.`
        );
    }
    return value;
}

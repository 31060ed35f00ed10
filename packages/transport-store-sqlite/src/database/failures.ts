import { TransportStoreError, type TransportStoreErrorCode } from '@modelcontextprotocol/sdk/server/transportStore.js';

/** Primary result codes of SQLite, see https://www.sqlite.org/rescode.html */
export const resultCodes = {
    error: 1,
    busy: 5,
    locked: 6,
    noMemory: 7,
    readOnly: 8,
    io: 10,
    corrupt: 11,
    full: 13,
    cantOpen: 14,
    protocol: 15,
    tooBig: 18,
    notADatabase: 26
} as const;

/** @returns SQLite's primary result code, if SQLite is where the error comes from. */
export function resultCodeOf(error: unknown): number | undefined {
    if (error instanceof Error && 'errcode' in error && typeof error.errcode === 'number') {
        // The low byte; the others tell the circumstances.
        return error.errcode & 0xff;
    }
    return undefined;
}

/** Whether the same attempt may succeed later because a lock is in the way now. */
export function isLockFailure(error: unknown): boolean {
    const code = resultCodeOf(error);
    // `protocol` is what SQLite gives up with when others keep moving its read locks away.
    return code === resultCodes.busy || code === resultCodes.locked || code === resultCodes.protocol;
}

/** Whether the connection itself may be what has failed, so that a new one is worth a try. */
export function isConnectionFailure(error: unknown): boolean {
    const code = resultCodeOf(error);
    return (
        code === resultCodes.io ||
        code === resultCodes.corrupt ||
        code === resultCodes.notADatabase ||
        code === resultCodes.cantOpen ||
        code === resultCodes.readOnly
    );
}

/** What everything is refused with once the store was closed. */
export function closedError(): TransportStoreError {
    return new TransportStoreError('STORE_MISUSED', 'The SQLite transport store was closed. Close it after everything that uses it.');
}

/** Gives an error of the backend its stable code and a message that says what to do. */
export function toStoreError(error: unknown): TransportStoreError {
    if (error instanceof TransportStoreError) {
        return error;
    }
    const [code, message] = explain(error);
    return new TransportStoreError(code, message, { cause: error });
}

function explain(error: unknown): [TransportStoreErrorCode, string] {
    const reason = error instanceof Error ? error.message : String(error);
    switch (resultCodeOf(error)) {
        case resultCodes.busy:
        case resultCodes.locked:
        case resultCodes.protocol:
            return [
                'STORE_UNAVAILABLE',
                `The database of the SQLite transport store stayed locked (${reason}). Look for a process that keeps a transaction open, ` +
                    'such as a backup or a shell; the servers themselves hold locks for milliseconds only.'
            ];
        case resultCodes.corrupt:
        case resultCodes.notADatabase:
            return [
                'STORE_CORRUPT',
                `The file of the SQLite transport store is damaged or no SQLite database (${reason}). Stop the servers that use it and ` +
                    'remove or restore it; check that it does not lie on a network file system.'
            ];
        case resultCodes.full:
            return ['STORE_FULL', `There is no room for the SQLite transport store (${reason}). Free space on its disk.`];
        case resultCodes.tooBig:
            return ['STORE_FULL', `A text is too long for the SQLite transport store (${reason}). SQLite keeps up to 1,000,000,000 bytes.`];
        case resultCodes.cantOpen:
        case resultCodes.readOnly:
            return [
                'STORE_UNAVAILABLE',
                `The SQLite transport store can't open its file for writing (${reason}). Check that its folder exists and that the process ` +
                    'may write to the file and to the folder, where SQLite keeps two more files.'
            ];
        case resultCodes.io:
        case resultCodes.noMemory:
            return ['STORE_UNAVAILABLE', `The SQLite transport store failed (${reason}). Check the disk and the memory of the machine.`];
        default:
            return ['STORE_UNAVAILABLE', `The SQLite transport store failed: ${reason}`];
    }
}

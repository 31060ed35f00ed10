/**
 * An error with a cause.
 *
 * It is `new Error(message, { cause })`, which the compiler settings of the SDK do not know: their library is that of ES2020.
 */
export class CausedError extends Error {
    /** @param options.cause what led to it. Default: none. */
    constructor(message: string, options?: { readonly cause?: unknown }) {
        super(message);
        if (options !== undefined && 'cause' in options) {
            Object.defineProperty(this, 'cause', { value: options.cause, configurable: true, writable: true });
        }
    }
}

import { TransportStoreError, type TransportStoreErrorCode } from '../transportStore.js';
import { TransientSet } from '../http/transientSet.js';
import { asError } from './asError.js';

interface Call {
    readonly deadline: number;
    readonly expire: () => void;
}

/**
 * Gives every call to the store a deadline and every failure one type.
 *
 * All calls have the same time limit, so they expire in the order in which they began, and one timer is enough for all of them. It
 * runs only while calls are under way.
 */
export class StoreCalls {
    private readonly timeoutMs: number;
    private readonly calls = new TransientSet<Call>();
    private timer: ReturnType<typeof setTimeout> | undefined;

    /** @param timeoutMs longest time that a call may take, in milliseconds. */
    constructor(timeoutMs: number) {
        this.timeoutMs = timeoutMs;
    }

    /**
     * Makes a call.
     * @throws TransportStoreError whatever goes wrong; `STORE_TIMEOUT` if there is no answer in time.
     */
    run<T>(operation: () => Promise<T>): Promise<T> {
        return new Promise((resolve, reject) => {
            const remove = this.calls.add({
                deadline: performance.now() + this.timeoutMs,
                expire: () => {
                    remove();
                    reject(timedOut(this.timeoutMs));
                }
            });
            this.timer ??= this.wakeIn(this.timeoutMs);
            let answer: Promise<T>;
            try {
                answer = operation();
            } catch (error) {
                answer = Promise.reject(error);
            }
            answer.then(
                value => {
                    remove();
                    resolve(value);
                },
                error => {
                    remove();
                    reject(asStoreError(error));
                }
            );
        });
    }

    /** A deadline must not keep a process running: what a call waits for does, as long as there is something. */
    private wakeIn(delayMs: number): ReturnType<typeof setTimeout> {
        const timer = setTimeout(() => this.expireOldest(), delayMs);
        if (typeof timer === 'object' && 'unref' in timer) {
            timer.unref();
        }
        return timer;
    }

    private expireOldest(): void {
        this.timer = undefined;
        const now = performance.now();
        for (let call = this.calls.oldest; call !== undefined; call = this.calls.oldest) {
            if (call.deadline > now) {
                this.timer = this.wakeIn(call.deadline - now);
                return;
            }
            call.expire();
        }
    }
}

function timedOut(timeoutMs: number): TransportStoreError {
    return new TransportStoreError(
        'STORE_TIMEOUT',
        `The store did not answer within ${timeoutMs} ms. Check that it can be reached from this node and is not overloaded.`
    );
}

const codes: Readonly<Record<TransportStoreErrorCode, true>> = {
    STORE_UNAVAILABLE: true,
    STORE_TIMEOUT: true,
    STORE_CORRUPT: true,
    STORE_NEWER_VERSION: true,
    STORE_FULL: true,
    STORE_MISUSED: true
};
const CODES: ReadonlySet<unknown> = new Set(Object.keys(codes));

/** Whatever a store rejects with means that it is of no use at the moment. */
export function asStoreError(thrown: unknown): TransportStoreError {
    const error = asError(thrown);
    if (error instanceof TransportStoreError) {
        return error;
    }
    // One process may hold two copies of the class, one of them from `import` and one from `require`.
    if (error.name === 'TransportStoreError' && 'code' in error && isCode(error.code)) {
        return new TransportStoreError(error.code, error.message, { cause: thrown });
    }
    return new TransportStoreError('STORE_UNAVAILABLE', `The store failed: ${error.message}`, { cause: thrown });
}

function isCode(code: unknown): code is TransportStoreErrorCode {
    return CODES.has(code);
}

import { TransportStoreError } from '@modelcontextprotocol/sdk/server/transportStore.js';
import type { RedisLink } from './links.js';

/** Bridges short interruptions of the connection of the user's client. */
export class Reconnection {
    readonly #link: RedisLink;
    readonly #patienceMs: number;
    readonly #waiting = new Set<() => void>();
    /** Since when the connection has been seen down, on the monotonic clock. */
    #downSince: number | undefined;

    /** @param patienceMs how many milliseconds of an interruption are bridged by waiting. */
    constructor(link: RedisLink, patienceMs: number) {
        this.#link = link;
        this.#patienceMs = patienceMs;
        link.onUp(() => {
            this.over();
            for (const wake of this.#waiting) {
                wake();
            }
        });
    }

    /** To be told of whatever proves that the connection is up. */
    over(): void {
        this.#downSince = undefined;
    }

    /**
     * Resolves when the connection to the server that has the key is up.
     *
     * All wait for the same moment: once an interruption has lasted for the given time, nobody waits any more until it is over.
     *
     * @throws {TransportStoreError} `STORE_UNAVAILABLE` if the connection does not come up in time.
     */
    async whenUp(key: string): Promise<void> {
        const deadline = (this.#downSince ??= performance.now()) + this.#patienceMs;
        for (;;) {
            if (!this.#link.isOpen) {
                throw new TransportStoreError(
                    'STORE_UNAVAILABLE',
                    'The Redis client given to the store is not connected. Connect it before the store is used, close it after, and let its ' +
                        '"reconnectStrategy" never give up.'
                );
            }
            // Listens before it looks, so that it misses nothing.
            const change = this.#nextChange(deadline);
            if (await Promise.race([this.#link.isUp(key), change.then(() => false)])) {
                this.over();
                return;
            }
            if ((await change) === 'late') {
                throw new TransportStoreError(
                    'STORE_UNAVAILABLE',
                    'The Redis client given to the store has lost its connection and is still reconnecting.'
                );
            }
        }
    }

    /** Resolves when a connection has come up, at the latest at the deadline. */
    #nextChange(deadline: number): Promise<'up' | 'late'> {
        return new Promise(resolve => {
            const end = (outcome: 'up' | 'late') => {
                clearTimeout(timer);
                this.#waiting.delete(wake);
                resolve(outcome);
            };
            const wake = () => end('up');
            const timer = setTimeout(() => end('late'), Math.max(0, deadline - performance.now()));
            timer.unref();
            this.#waiting.add(wake);
        });
    }
}

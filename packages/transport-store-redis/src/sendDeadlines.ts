import { setMaxListeners } from 'node:events';

/**
 * Withdraws commands that stay unsent for too long, so that a client which reconnects after an hour doesn't execute what everybody has
 * given up on. Commands of the same moment share a signal: the client's own timer per command takes longer than sending the command.
 */
export class SendDeadlines {
    readonly #patienceMs: number;
    #signal: AbortSignal | undefined;
    #sharedUntil = 0;

    /** @param patienceMs a command may stay unsent for this many milliseconds, and up to half as many more. */
    constructor(patienceMs: number) {
        this.#patienceMs = patienceMs;
    }

    /** The signal for a command that is sent now. */
    get current(): AbortSignal {
        const now = performance.now();
        if (this.#signal === undefined || now >= this.#sharedUntil) {
            const controller = new AbortController();
            setMaxListeners(0, controller.signal);
            const shareMs = this.#patienceMs / 2;
            // A process that stood still lets the client send what it has before anything is withdrawn.
            setTimeout(() => setImmediate(() => controller.abort()), this.#patienceMs + shareMs).unref();
            this.#signal = controller.signal;
            this.#sharedUntil = now + shareMs;
        }
        return this.#signal;
    }
}

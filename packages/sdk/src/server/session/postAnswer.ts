import type { RequestId } from '../http/sdk.js';
import type { RequestTarget } from './sessionTransport.js';

/** The answer to one POST that carries requests, while it is being given. */
export interface PostAnswer extends RequestTarget {
    /** Requests without a response so far. */
    readonly unanswered: ReadonlySet<RequestId>;
    /** The event log of the answer, if it has one. */
    readonly streamId: string | undefined;

    /** The request was cancelled by the client, so it gets no response (and the SDK makes none). */
    cancel(id: RequestId): void;

    /** Answers every request that is still unanswered with an error. */
    fail(code: number, message: string): void;

    /**
     * Ends the connection but not the answer: what follows waits in the log. Does nothing where there is no log.
     * @returns false if the connection had ended before.
     */
    detach(): boolean;

    /** Resolves when everything that was said so far is in the log. */
    flushed(): Promise<void>;
}

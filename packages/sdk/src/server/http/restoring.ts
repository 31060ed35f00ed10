import { ReplayedReplies, replayInto } from '../session/replay.js';
import type { RestoredSession } from './restoredSession.js';
import type { JSONRPCMessage } from './sdk.js';

/** A transport's session on its way back: nothing may be let in before it is there. */
export class Restoring {
    /** Catches the server's answers to what is replayed. */
    readonly replies = new ReplayedReplies();
    /** Resolves when the session is restored; rejects, as {@link run} does, if it can't be. */
    readonly finished: Promise<void>;
    private readonly session: RestoredSession;
    private resolve: () => void = () => undefined;
    private reject: (error: unknown) => void = () => undefined;

    constructor(session: RestoredSession) {
        this.session = session;
        this.finished = new Promise((resolve, reject) => {
            this.resolve = resolve;
            this.reject = reject;
        });
        // There may be no request that waits for it.
        this.finished.catch(() => undefined);
    }

    /**
     * @param deliver hands a message to the server.
     * @throws SessionRestoreError
     */
    async run(deliver: (message: JSONRPCMessage) => void): Promise<void> {
        const { initialize, initialized = true, logLevel } = this.session;
        try {
            await replayInto(deliver, this.replies, { initialize, initialized, logLevel });
            this.resolve();
        } catch (error) {
            this.reject(error);
            throw error;
        }
    }

    /** The transport was closed, so that the server will answer no more. */
    abandon(): void {
        this.replies.abandon();
        this.resolve();
    }
}

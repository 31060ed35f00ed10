import { retryHint } from '../http/eventText.js';
import { REFUSED } from '../http/refusal.js';
import { TransientSet } from '../http/transientSet.js';
import { LoggingLevelSchema, type AuthInfo } from '../http/sdk.js';
import type { StoredSession } from '../transportStore.js';
import { FactoryError, closeServer, makeServer, type LiveServer } from './liveServer.js';
import type { PostAnswer } from './postAnswer.js';
import type { SessionContext } from './sessionContext.js';
import { decodeSession, type SessionRecord, type SessionState } from './sessionRecord.js';
import type { StreamTail } from './streamTail.js';

/**
 * What this node holds of a session: what it knows from the record, the streams that clients read here, the answers that are being
 * given here, and, once a request needs one, a live server.
 */
export class LocalSession {
    readonly id: string;
    readonly principal: string | undefined;
    readonly record: SessionRecord;
    readonly tails = new Map<string, StreamTail>();
    readonly answers = new TransientSet<PostAnswer>();
    private readonly expectedReaders = new Map<string, boolean>();
    lastUsed = performance.now();
    /** Requests that are between being let in and being handed over. */
    entering = 0;
    /** Set when this node may be missing from the record's set of nodes, so that the next request must open the record again. */
    mustReopen = false;

    private readonly context: SessionContext;
    private currentState: SessionState;
    private currentRevision: number;
    private live: LiveServer | undefined;
    private building: Promise<LiveServer> | undefined;
    /** Set while the live server takes over what was changed elsewhere; requests wait for it. Never rejects. */
    private catchingUp: Promise<void> | undefined;
    private isClosed = false;
    private isOver = false;

    constructor(
        context: SessionContext,
        id: string,
        principal: string | undefined,
        known: { readonly record: SessionRecord; readonly state: SessionState; readonly revision: number },
        live?: LiveServer
    ) {
        this.context = context;
        this.id = id;
        this.principal = principal;
        this.record = known.record;
        this.currentState = known.state;
        this.currentRevision = known.revision;
        this.live = live;
    }

    get closed(): boolean {
        return this.isClosed;
    }

    /** Whether the session itself has ended, not only this copy of it. */
    get over(): boolean {
        return this.isOver;
    }

    get state(): SessionState {
        return this.currentState;
    }

    get revision(): number {
        return this.currentRevision;
    }

    /** The live server, if one was made. */
    get server(): LiveServer | undefined {
        return this.live;
    }

    /** Whether this copy can't be given up now. */
    get busy(): boolean {
        return (
            this.entering > 0 ||
            this.tails.size > 0 ||
            this.answers.size > 0 ||
            this.building !== undefined ||
            this.live?.transport.busy === true
        );
    }

    /** Whether the session must be kept from expiring while no request arrives. */
    get inUse(): boolean {
        return this.tails.size > 0 || this.answers.size > 0;
    }

    /** The live server, if it is there and knows all that it has to. */
    get readyServer(): LiveServer | undefined {
        return this.live && !this.live.transport.closed && this.catchingUp === undefined ? this.live : undefined;
    }

    /**
     * The live server; the first call restores it, the others wait for that.
     * @throws FactoryError if it can't be made; nothing is kept then.
     */
    ensureServer(authInfo: AuthInfo | undefined): Promise<LiveServer> {
        const { live } = this;
        if (live && !live.transport.closed) {
            return this.catchingUp ? this.catchingUp.then(() => live) : Promise.resolve(live);
        }
        // Who closes the server object closes this copy of it, not the session.
        this.live = undefined;
        this.building ??= this.build(authInfo).finally(() => {
            this.building = undefined;
        });
        return this.building;
    }

    private async build(authInfo: AuthInfo | undefined): Promise<LiveServer> {
        const begun = performance.now();
        const live = await makeServer(this.context, this.id, this.record.standaloneStream, { restored: true, authInfo });
        try {
            const state = this.currentState;
            const logLevel = LoggingLevelSchema.safeParse(state.logLevel);
            await live.transport.restore({
                initialize: this.record.initialize,
                initialized: state.initialized,
                logLevel: logLevel.success ? logLevel.data : undefined
            });
            this.live = live;
            // What changed elsewhere meanwhile.
            this.bringUpToDate(state);
            await this.catchingUp;
        } catch (cause) {
            await closeServer(live, this.context.onerror);
            throw new FactoryError('The server of the session could not be restored', { cause });
        }
        if (this.isClosed) {
            this.live = undefined;
            await closeServer(live, this.context.onerror);
        } else {
            this.context.emit({ type: 'session.restored', sessionId: this.id, durationMs: performance.now() - begun });
        }
        return live;
    }

    /** Takes over what another node has changed in the record. */
    refresh(stored: StoredSession): void {
        if (stored.revision <= this.currentRevision) {
            return;
        }
        const before = this.currentState;
        this.currentState = decodeSession(stored).state;
        this.currentRevision = stored.revision;
        if (this.live) {
            this.bringUpToDate(before);
        }
    }

    /** Notes what this node itself has changed in the record. The live server knows already. */
    changed(state: Partial<SessionState>, revision: number): void {
        this.currentState = { ...this.currentState, ...state };
        // If others have changed it too, the gap makes the next request read it.
        if (revision === this.currentRevision + 1) {
            this.currentRevision = revision;
        }
    }

    /** Tells the live server what the client has told other nodes since `known`. */
    private bringUpToDate(known: SessionState): void {
        const transport = this.live?.transport;
        const { initialized, logLevel } = this.currentState;
        if (initialized) {
            transport?.deliverInitialized({ jsonrpc: '2.0', method: 'notifications/initialized' });
        }
        if (logLevel !== known.logLevel) {
            const level = LoggingLevelSchema.safeParse(logLevel);
            if (transport && level.success) {
                const before = this.catchingUp;
                const catchingUp = Promise.all([before, transport.setLogLevel(level.data)])
                    .then(() => undefined, this.context.onerror)
                    .finally(() => {
                        if (this.catchingUp === catchingUp) {
                            this.catchingUp = undefined;
                        }
                    });
                this.catchingUp = catchingUp;
            }
        }
    }

    wake(streamId: string): void {
        for (const tail of this.tails.values()) {
            if (tail.streamId === streamId) {
                tail.wake();
            }
        }
    }

    /**
     * Announces a reader before the store is told of it: the store's answer may come later than the news that yet another reader has
     * taken its place.
     */
    expectReader(holder: string): void {
        this.expectedReaders.set(holder, false);
    }

    /** @returns whether the reader has lost its place already. */
    readerArrived(holder: string): boolean {
        const displaced = this.expectedReaders.get(holder) ?? false;
        this.expectedReaders.delete(holder);
        return displaced;
    }

    /**
     * A new reader has taken a stream over.
     * @param holder the reader before; `undefined` if the stream was still being sent on the connection of its own request.
     */
    displaced(streamId: string, holder: string | undefined): void {
        if (holder === undefined) {
            this.answerOf(streamId)?.detach();
        } else if (this.expectedReaders.has(holder)) {
            this.expectedReaders.set(holder, true);
        } else {
            this.tails.get(holder)?.end();
        }
        this.context.emit({ type: 'stream.displaced', sessionId: this.id, streamId });
    }

    answerOf(streamId: string): PostAnswer | undefined {
        for (const answer of this.answers.values()) {
            if (answer.streamId === streamId) {
                return answer;
            }
        }
        return undefined;
    }

    /**
     * Ends the streams that are only read here, so that clients go elsewhere.
     * @param streamId the only one that is ended. Default: all.
     */
    endTails(retryMs: number | undefined, streamId?: string): void {
        for (const tail of this.tails.values()) {
            if (streamId === undefined || tail.streamId === streamId) {
                tail.end(retryMs === undefined ? undefined : retryHint(retryMs));
            }
        }
    }

    /**
     * Gives this copy up: aborts what runs, tells clients that wait, closes streams. The record is not touched.
     * @param over whether the session itself has ended.
     */
    async close(why: string, over: boolean): Promise<void> {
        if (this.isClosed) {
            return;
        }
        this.isClosed = true;
        this.isOver = over;
        for (const answer of this.answers.values()) {
            answer.fail(REFUSED, why);
        }
        this.endTails(undefined);
        const live = this.live;
        this.live = undefined;
        if (live) {
            await closeServer(live, this.context.onerror);
        }
    }
}

import { producerOf } from './eventIds.js';
import type { LocalSession } from './localSession.js';
import type { LocalSessions } from './localSessions.js';
import type { SessionContext } from './sessionContext.js';
import { asStoreError } from './storeCalls.js';
import type { StreamTail } from './streamTail.js';
import { takeOver } from './takeOver.js';

const TICK_MS = 1_000;
/** Every so many ticks the standalone streams are read although nobody woke them. */
const STANDALONE_TICKS = 5;
const LONGEST_RENEWAL_MS = 30_000;

/**
 * What must happen without a request: dropping idle copies, keeping sessions and event logs alive that are in use, reading streams whose
 * wake-up was lost, and ending the streams of nodes that have died. One timer for all sessions.
 */
export class Housekeeping {
    private readonly context: SessionContext;
    private readonly sessions: LocalSessions;
    private readonly timer: ReturnType<typeof setInterval>;
    private ticks = 0;
    private renewed = performance.now();
    private checking = false;

    constructor(context: SessionContext, sessions: LocalSessions) {
        this.context = context;
        this.sessions = sessions;
        const { sessionTtlMs, eventRetention } = context.settings;
        const shortestMs = Math.min(sessionTtlMs, eventRetention.ttlMs);
        this.timer = setInterval(() => this.tick(), Math.min(TICK_MS, Math.max(shortestMs / 4, 50)));
        if (typeof this.timer === 'object' && 'unref' in this.timer) {
            this.timer.unref();
        }
    }

    stop(): void {
        clearInterval(this.timer);
    }

    private tick(): void {
        this.ticks++;
        this.sessions.evictIdle(this.context.settings.liveSessionIdleMs);
        this.context.openStreams.values().forEach(stream => stream.keep());
        const inUse = this.sessions.all().filter(session => session.inUse);
        if (inUse.length === 0) {
            return;
        }
        this.renew(inUse);
        if (this.ticks % STANDALONE_TICKS === 0) {
            inUse.forEach(session => session.wake(session.record.standaloneStream));
        }
        if (!this.checking) {
            this.checking = true;
            this.checkProducers(inUse)
                .catch(error => this.context.onerror(asStoreError(error)))
                .finally(() => {
                    this.checking = false;
                });
        }
    }

    private renew(inUse: readonly LocalSession[]): void {
        const due = performance.now() - this.renewed >= Math.min(this.context.settings.sessionTtlMs / 3, LONGEST_RENEWAL_MS);
        if (due) {
            this.renewed = performance.now();
        }
        for (const session of inUse) {
            if (due || session.mustReopen) {
                this.sessions.renew(session).catch(error => this.context.onerror(asStoreError(error)));
            }
        }
    }

    /** Looks after the streams of requests that are read here and written elsewhere. */
    private async checkProducers(inUse: readonly LocalSession[]): Promise<void> {
        const { store, calls, cluster, openStreams } = this.context;
        const followed: { session: LocalSession; tail: StreamTail; node: string }[] = [];
        for (const session of inUse) {
            for (const tail of session.tails.values()) {
                const node = producerOf(tail.streamId);
                if (node !== undefined) {
                    tail.wake();
                    followed.push({ session, tail, node });
                }
            }
        }
        const inboxes = store.inboxes;
        if (followed.length === 0 || inboxes === undefined) {
            return;
        }
        const nodes = [...new Set(followed.map(({ node }) => node))];
        const alive = new Set(await calls.run(() => inboxes.alive(nodes)));
        for (const { session, tail, node } of followed) {
            const isWritten = node === cluster.id ? openStreams.values().some(({ id }) => id === tail.streamId) : alive.has(node);
            if (!isWritten && !tail.ended) {
                await this.end(session, tail);
            }
        }
    }

    private async end(session: LocalSession, tail: StreamTail): Promise<void> {
        const { streams, calls, settings, emit } = this.context;
        const answered = await takeOver(streams, calls, session.id, tail.streamId, settings.eventRetention);
        if (answered !== undefined) {
            emit({ type: 'stream.taken-over', sessionId: session.id, streamId: tail.streamId, unanswered: answered.length });
        }
        tail.wake();
    }
}

import type { HttpExchange } from '../http/httpExchange.js';
import { KeepAlive } from '../http/keepAlive.js';
import { METHOD_NOT_ALLOWED, NO_VALID_URL } from '../http/requestChecks.js';
import { refuse } from '../http/refusal.js';
import { DEFAULT_SSE_KEEP_ALIVE_MS } from '../http/sdk.js';
import { TransientSet } from '../http/transientSet.js';
import { InMemoryTransportStore } from '../inMemoryTransportStore.js';
import type { TransportFactory } from '../transportFactory.js';
import { asError } from './asError.js';
import { ClusterNode } from './clusterNode.js';
import { RequestStreamIds } from './eventIds.js';
import { handleDelete } from './handleDelete.js';
import { handleGet } from './handleGet.js';
import { handlePost } from './handlePost.js';
import { Housekeeping } from './housekeeping.js';
import type { LocalSession } from './localSession.js';
import { LocalSessions } from './localSessions.js';
import { MessageRouter } from './messageRouter.js';
import { ServerRequestIds } from './serverRequestIds.js';
import type { SessionContext } from './sessionContext.js';
import { positive, settingsOf, type SessionHandlerOptions } from './sessionHandlerOptions.js';
import { RefusedError, refusalOf, type SessionService } from './sessionService.js';
import { StoreCalls } from './storeCalls.js';

/**
 * When clients are told to come back whose streams a drain has ended, in milliseconds: load balancers need a moment to notice that a
 * node is not ready, and the SDK's client gives up after two attempts.
 */
const DRAIN_RETRY_MS = 1_000;

/** What the store of a session handler makes possible. */
export interface SessionCapabilities {
    /** Whether replies, cancellations and DELETE reach other nodes: the store has inboxes. */
    readonly routing: boolean;
    /** Whether events reach other nodes: the store has event streams. */
    readonly streams: boolean;
    /** Whether clients that lost their connection get what they missed. */
    readonly resumable: boolean;
}

/** What can be asked of a node, and done with it, besides sending it requests. */
export interface NodeControls {
    /** Whether requests should be sent here: the store answers, and the handler is not closing. For readiness probes. */
    isReady(): Promise<boolean>;

    /**
     * Drains this node: takes no more requests (503), lets those that run finish, ends streams so that clients go elsewhere, and leaves
     * the cluster. Sessions live on in the store. The store itself is not closed.
     * @param options.deadlineMs how long requests may go on; then they are answered with an error. Default: 10,000.
     */
    close(options?: { deadlineMs?: number }): Promise<void>;

    /** Sessions that this node holds a copy of at the moment. */
    readonly liveSessions: number;

    /** What the store makes possible. */
    readonly capabilities: SessionCapabilities;
}

/** What a session handler does on this node, whichever face its requests come through. */
export class SessionNode implements SessionService, NodeControls {
    readonly context: SessionContext;
    readonly sessions: LocalSessions;
    readonly router: MessageRouter;
    readonly capabilities: SessionCapabilities;
    private readonly housekeeping: Housekeeping;
    private closing: Promise<void> | undefined;
    /** Requests that are on their way: into their session, or to being answered without one. */
    private handling = 0;
    private whenAnswered: () => void = () => undefined;

    constructor(factory: TransportFactory, options: SessionHandlerOptions) {
        const store = options.store ?? new InMemoryTransportStore();
        const settings = settingsOf(options, store);
        const calls = new StoreCalls(positive('storeTimeoutMs', options.storeTimeoutMs, 2_500));
        const onerror = (error: Error): void => attempt(() => options.onerror?.(error));
        const cluster = new ClusterNode({
            inboxes: store.inboxes,
            calls,
            leaseMs: positive('nodeLeaseMs', options.nodeLeaseMs, 6_000),
            onenvelope: (envelope, from) => this.router.receive(envelope, from),
            onlapse: () => this.lapsed(),
            onerror
        });
        this.context = {
            settings,
            store,
            streams: store.streams ?? new InMemoryTransportStore().streams,
            calls,
            cluster,
            factory,
            keepAlive: new KeepAlive(options.keepAliveMs ?? DEFAULT_SSE_KEEP_ALIVE_MS),
            serverRequestIds: new ServerRequestIds(cluster.id),
            requestStreamIds: new RequestStreamIds(cluster.id),
            openStreams: new TransientSet(),
            wake: (holder, sessionId, streamId, published) => this.router.wake(holder, sessionId, streamId, published),
            endStream: (session, streamId) => this.endStream(session, streamId),
            onfenced: (sessionId, streamId) => this.fenced(sessionId, streamId),
            onanswered: () => this.whenAnswered(),
            emit: event => attempt(() => options.onevent?.(event), onerror),
            onerror
        };
        this.sessions = new LocalSessions(this.context);
        this.router = new MessageRouter(this.context, this.sessions);
        this.housekeeping = new Housekeeping(this.context, this.sessions);
        this.capabilities = {
            routing: store.inboxes !== undefined,
            streams: store.streams !== undefined,
            resumable: settings.resumable
        };
    }

    get draining(): boolean {
        return this.closing !== undefined;
    }

    get liveSessions(): number {
        return this.sessions.size;
    }

    /** Handles a request to its end. Never rejects. */
    async handle(exchange: HttpExchange): Promise<void> {
        this.handling++;
        try {
            if (!exchange.hasValidUrl) {
                throw new RefusedError(NO_VALID_URL);
            }
            switch (exchange.method) {
                case 'POST':
                    return await handlePost(this, exchange);
                case 'GET':
                    return await handleGet(this, exchange);
                case 'DELETE':
                    return await handleDelete(this, exchange);
                default:
                    throw new RefusedError(METHOD_NOT_ALLOWED);
            }
        } catch (thrown) {
            const error = asError(thrown);
            const refusal = refusalOf(error);
            if (!(error instanceof RefusedError)) {
                this.context.onerror(error);
            }
            this.context.emit({
                type: 'request.refused',
                sessionId: exchange.header('mcp-session-id'),
                status: refusal.status,
                message: refusal.message
            });
            refuse(exchange, refusal);
        } finally {
            this.handling--;
            this.whenAnswered();
        }
    }

    async isReady(): Promise<boolean> {
        if (this.draining) {
            return false;
        }
        try {
            await this.context.cluster.ensureJoined();
            await this.context.calls.run(() => this.context.store.ping());
            return !this.draining;
        } catch (error) {
            this.context.onerror(asError(error));
            return false;
        }
    }

    close({ deadlineMs = 10_000 }: { deadlineMs?: number } = {}): Promise<void> {
        this.closing ??= this.drain(deadlineMs);
        return this.closing;
    }

    private async drain(deadlineMs: number): Promise<void> {
        const { context, sessions } = this;
        context.emit({ type: 'node.draining' });
        // A turn later, when `draining` refuses whoever would open another stream.
        await Promise.resolve();
        const retryMs = context.settings.retryInterval ?? DRAIN_RETRY_MS;
        for (const session of sessions.all()) {
            session.endTails(retryMs);
        }
        await this.allAnswered(deadlineMs);
        for (const session of sessions.all()) {
            // Those of requests that were on their way when it began.
            session.endTails(retryMs);
            for (const answer of session.answers.values()) {
                answer.fail(-32000, 'The server process that handled this request is shutting down');
            }
        }
        await settledWithin(
            context.openStreams.values().map(stream => stream.flushed()),
            deadlineMs / 2
        );
        this.housekeeping.stop();
        await sessions.evictAll();
        await context.cluster.leave();
        context.keepAlive.stop();
    }

    private get idle(): boolean {
        return this.handling === 0 && this.sessions.all().every(session => session.answers.size === 0);
    }

    private allAnswered(deadlineMs: number): Promise<void> {
        return new Promise(resolve => {
            const timer = setTimeout(resolve, deadlineMs);
            this.whenAnswered = () => {
                if (this.idle) {
                    clearTimeout(timer);
                    resolve();
                }
            };
            this.whenAnswered();
        });
    }

    /** Others may have struck this node off their lists, so it enters itself again wherever it holds something. */
    private lapsed(): void {
        this.context.emit({ type: 'node.lapsed' });
        for (const session of this.sessions.all()) {
            session.mustReopen = true;
        }
    }

    /** Whoever ended the stream has answered for this node; what still runs for it is aborted. */
    private fenced(sessionId: string, streamId: string): void {
        const session = this.sessions.get(sessionId);
        const answer = session?.answerOf(streamId);
        if (session && answer) {
            for (const requestId of answer.unanswered) {
                const message = { jsonrpc: '2.0' as const, method: 'notifications/cancelled', params: { requestId } };
                void this.router.cancel(session, message);
            }
        }
    }

    private endStream(session: LocalSession, streamId: string): void {
        const { store, calls, cluster, settings, onerror } = this.context;
        session.endTails(settings.retryInterval, streamId);
        if (!cluster.connected) {
            return;
        }
        calls
            .run(() => store.sessions.nodes(session.id))
            .then(nodes => {
                for (const node of nodes) {
                    if (node !== cluster.id) {
                        cluster.tell(node, { kind: 'end', session: session.id, stream: streamId });
                    }
                }
            })
            .catch(onerror);
    }
}

/** Calls back what only watches: that it fails must not keep a request from being answered. */
function attempt(callback: () => void, onerror: (error: Error) => void = () => undefined): void {
    try {
        callback();
    } catch (error) {
        onerror(asError(error));
    }
}

/** Waits for promises, but not longer than a time limit in milliseconds. */
async function settledWithin(promises: readonly Promise<unknown>[], limitMs: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const limit = new Promise<void>(resolve => {
        timer = setTimeout(resolve, limitMs);
    });
    await Promise.race([Promise.allSettled(promises), limit]);
    clearTimeout(timer);
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuthInfo } from './auth/types.js';
import type { HttpExchange } from './http/httpExchange.js';
import { KeepAlive } from './http/keepAlive.js';
import { NodeHttpExchange } from './http/nodeHttpExchange.js';
import { METHOD_NOT_ALLOWED } from './http/requestChecks.js';
import { refuse } from './http/refusal.js';
import { DEFAULT_SSE_KEEP_ALIVE_MS, resolveMaxRequestBodySize } from './http/sdk.js';
import { TransientSet } from './http/transientSet.js';
import { WebHttpExchange } from './http/webHttpExchange.js';
import { InMemoryTransportStore } from './inMemoryTransportStore.js';
import { asError } from './session/asError.js';
import { ClusterNode } from './session/clusterNode.js';
import { RequestStreamIds } from './session/eventIds.js';
import { handleDelete } from './session/handleDelete.js';
import { handleGet } from './session/handleGet.js';
import { handlePost } from './session/handlePost.js';
import { Housekeeping } from './session/housekeeping.js';
import type { LocalSession } from './session/localSession.js';
import { LocalSessions } from './session/localSessions.js';
import { MessageRouter } from './session/messageRouter.js';
import { defaultPrincipal, type PrincipalOf } from './session/principal.js';
import { ServerRequestIds } from './session/serverRequestIds.js';
import type { SessionContext, SessionSettings } from './session/sessionContext.js';
import type { SessionEvent } from './session/sessionEvents.js';
import { randomSessionId } from './session/sessionIds.js';
import { RefusedError, refusalOf, type SessionService } from './session/sessionService.js';
import { StoreCalls } from './session/storeCalls.js';
import type { TransportFactory } from './transportFactory.js';
import type { TransportStore } from './transportStore.js';

export type { PrincipalOf } from './session/principal.js';
export type { SessionEvent } from './session/sessionEvents.js';
export type { SessionServer, TransportFactory, TransportFactoryContext } from './transportFactory.js';

/** Options of {@link createSessionHandler}. Times are in milliseconds. */
export interface SessionHandlerOptions {
    /** What the nodes share. Default: a new `InMemoryTransportStore`, which is one process's own. */
    store?: TransportStore;

    /** Makes session ids: globally unique, impossible to guess, 1 to 256 visible ASCII characters. Default: `crypto.randomUUID()`. */
    sessionIdGenerator?: () => string;

    /** How long a session lives after it was last used. Requests and open streams use it. Default: 1,800,000 (30 minutes). */
    sessionTtlMs?: number;

    /** How long a session lives at most, however much it is used. Default: no limit. */
    maxSessionAgeMs?: number;

    /** Answers POSTs with JSON instead of an event stream. Default: false. */
    enableJsonResponse?: boolean;

    /**
     * Whether events get ids and are kept, so that a client that lost its connection gets what it missed, from any node.
     * Default: true if the store has event streams.
     */
    resumable?: boolean;

    /** How long clients should wait before they reconnect, as the `retry` field of event streams tells them. Default: none is told. */
    retryInterval?: number;

    /** Time between keep-alive comments on an event stream; values below 1 turn them off. Default: 15,000. */
    keepAliveMs?: number;

    /** Largest body of a POST that is read, in bytes; does not apply to a body that is passed in parsed. Default: 4,194,304 (4 MiB). */
    maxRequestBodySize?: number;

    /** How many sessions this process holds a live copy of; beyond it the ones used longest ago are dropped. Default: 10,000. */
    maxLiveSessions?: number;

    /** How long this process holds a live copy that is not used. Default: 300,000 (5 minutes). */
    liveSessionIdleMs?: number;

    /** How long events are kept for clients that lost their connection. Default: 300,000 (5 minutes). */
    eventTtlMs?: number;

    /** How many events of one stream are kept. Default: 1,000. */
    maxEventsPerStream?: number;

    /** How long a call to the store may take before the request is answered 503. Default: 2,500. */
    storeTimeoutMs?: number;

    /** How long a node counts as alive after its last sign of life. Default: 6,000. */
    nodeLeaseMs?: number;

    /** Names whom a request comes from; a session serves only the principal that made it. Default: see `defaultPrincipal`. */
    principal?: PrincipalOf;

    /**
     * Called once per session, on the node that made it, when it is stored and before the client is answered. If it fails, the client
     * gets 500 and the session is deleted.
     */
    onsessioninitialized?: (sessionId: string) => void | Promise<void>;

    /** Called once per session that a client ends with DELETE, on the node that receives it. */
    onsessionclosed?: (sessionId: string) => void | Promise<void>;

    /** Told of what went wrong and was not the client's fault: the store, the factory, a corrupt record. */
    onerror?: (error: Error) => void;

    /** Told of what an operator may want to count or log. */
    onevent?: (event: SessionEvent) => void;
}

/** Serves MCP over Streamable HTTP, as one of any number of nodes. Made by {@link createSessionHandler}. */
export interface SessionHandler {
    /**
     * Handles a request of Node's `http`, Express, Fastify (`request.raw`, `reply.raw`) and the like. Never rejects.
     * @param req may carry `auth`, as the SDK's `requireBearerAuth` sets it.
     * @param parsedBody the body, if middleware has parsed it already.
     */
    handleRequest(req: IncomingMessage & { auth?: AuthInfo }, res: ServerResponse, parsedBody?: unknown): Promise<void>;

    /** Handles a web-standard request; may be passed around without its object. Never rejects. */
    readonly fetch: (request: Request) => Promise<Response>;

    /** Like {@link fetch}, for callers that have verified the token or parsed the body. */
    handleWebRequest(request: Request, options?: { authInfo?: AuthInfo; parsedBody?: unknown }): Promise<Response>;

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

    /** What the store makes possible. `routing`: replies, cancellations and DELETE reach other nodes. `streams`: events do. */
    readonly capabilities: { readonly routing: boolean; readonly streams: boolean; readonly resumable: boolean };
}

/**
 * Makes a handler that serves the sessions of an MCP server on this node, together with every other node that uses the same store.
 *
 * @param factory makes the server of one session, see {@link TransportFactory}.
 * @throws RangeError if an option is out of range.
 */
export function createSessionHandler(factory: TransportFactory, options: SessionHandlerOptions = {}): SessionHandler {
    return new NodeSessionHandler(factory, options);
}

/**
 * When clients are told to come back whose streams a drain has ended, in milliseconds: load balancers need a moment to notice that a
 * node is not ready, and the SDK's client gives up after two attempts.
 */
const DRAIN_RETRY_MS = 1_000;

class NodeSessionHandler implements SessionHandler, SessionService {
    readonly context: SessionContext;
    readonly sessions: LocalSessions;
    readonly router: MessageRouter;
    readonly capabilities: SessionHandler['capabilities'];
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

    readonly fetch = (request: Request): Promise<Response> => this.handleWebRequest(request);

    get draining(): boolean {
        return this.closing !== undefined;
    }

    get liveSessions(): number {
        return this.sessions.size;
    }

    handleRequest(req: IncomingMessage & { auth?: AuthInfo }, res: ServerResponse, parsedBody?: unknown): Promise<void> {
        return this.handle(new NodeHttpExchange(req, res, parsedBody));
    }

    handleWebRequest(request: Request, options?: { authInfo?: AuthInfo; parsedBody?: unknown }): Promise<Response> {
        const exchange = new WebHttpExchange(request, options);
        void this.handle(exchange);
        return exchange.response;
    }

    private async handle(exchange: HttpExchange): Promise<void> {
        this.handling++;
        try {
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
            await this.context.cluster.join();
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
        sessions.all().forEach(session => session.endTails(retryMs));
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

    private allAnswered(deadlineMs: number): Promise<void> {
        const isIdle = (): boolean => this.handling === 0 && this.sessions.all().every(session => session.answers.size === 0);
        return new Promise(resolve => {
            const timer = setTimeout(resolve, deadlineMs);
            this.whenAnswered = () => {
                if (isIdle()) {
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
            for (const requestId of [...answer.unanswered]) {
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

function settingsOf(options: SessionHandlerOptions, store: TransportStore): SessionSettings {
    return {
        sessionIdGenerator: options.sessionIdGenerator ?? randomSessionId,
        sessionTtlMs: positive('sessionTtlMs', options.sessionTtlMs, 30 * 60_000),
        maxSessionAgeMs: options.maxSessionAgeMs === undefined ? undefined : positive('maxSessionAgeMs', options.maxSessionAgeMs, 0),
        enableJsonResponse: options.enableJsonResponse ?? false,
        resumable: options.resumable ?? store.streams !== undefined,
        retryInterval: options.retryInterval,
        maxRequestBodySize: resolveMaxRequestBodySize(options.maxRequestBodySize),
        maxLiveSessions: positive('maxLiveSessions', options.maxLiveSessions, 10_000),
        liveSessionIdleMs: positive('liveSessionIdleMs', options.liveSessionIdleMs, 5 * 60_000),
        eventRetention: {
            ttlMs: positive('eventTtlMs', options.eventTtlMs, 5 * 60_000),
            maxEvents: positive('maxEventsPerStream', options.maxEventsPerStream, 1_000)
        },
        principal: options.principal ?? defaultPrincipal,
        onsessioninitialized: options.onsessioninitialized,
        onsessionclosed: options.onsessionclosed
    };
}

/** Calls back what only watches: that it fails must not keep a request from being answered. */
function attempt(callback: () => void, onerror: (error: Error) => void = () => undefined): void {
    try {
        callback();
    } catch (error) {
        onerror(asError(error));
    }
}

function positive(name: string, value: number | undefined, fallback: number): number {
    if (value === undefined) {
        return fallback;
    }
    if (!Number.isFinite(value) || value <= 0) {
        throw new RangeError(`${name} must be a positive number, got ${String(value)}`);
    }
    return value;
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

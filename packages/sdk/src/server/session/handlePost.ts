import type { HttpExchange } from '../http/httpExchange.js';
import { isNotification, isRequest, isResponse } from '../http/jsonRpcMessage.js';
import { FIRST_VERSION_WITH_PRIMING, checkPostHeaders, findInitialize, protocolVersionOf, readMessages } from '../http/requestChecks.js';
import { REFUSED, isRefusal, type Refusal } from '../http/refusal.js';
import { messageExtra } from '../http/requestInfo.js';
import { ErrorCode, type JSONRPCMessage, type JSONRPCNotification, type JSONRPCRequest } from '../http/sdk.js';
import { asError } from './asError.js';
import { handleInitialize } from './handleInitialize.js';
import { JsonPostAnswer } from './jsonPostAnswer.js';
import type { LiveServer } from './liveServer.js';
import type { LocalSession } from './localSession.js';
import { MAX_MESSAGE_DEPTH, isTooDeep } from './messageDepth.js';
import type { PostAnswer } from './postAnswer.js';
import { RequestStream } from './requestStream.js';
import type { SessionContext } from './sessionContext.js';
import {
    COPY_DROPPED_REFUSAL,
    DRAINING_REFUSAL,
    RefusedError,
    SESSION_NOT_FOUND_REFUSAL,
    checkOpen,
    enter,
    sessionIdOf,
    type SessionService
} from './sessionService.js';
import { encodeState, type SessionState } from './sessionRecord.js';
import { SsePostAnswer } from './ssePostAnswer.js';
import { asStoreError } from './storeCalls.js';
import type { RequestTarget, Response } from './sessionTransport.js';

/**
 * POST brings messages of the client. (Streamable HTTP, "Sending Messages to the Server".)
 * @throws RefusedError, TransportStoreError, FactoryError, CapacityError
 */
export async function handlePost(service: SessionService, exchange: HttpExchange): Promise<void> {
    const { settings } = service.context;
    const wrongHeaders = checkPostHeaders(exchange);
    if (wrongHeaders) {
        throw new RefusedError(wrongHeaders);
    }
    const messages = await readMessages(exchange, settings.maxRequestBodySize);
    if (isRefusal(messages)) {
        throw new RefusedError(messages);
    }
    if (messages.some(message => isTooDeep(message))) {
        throw new RefusedError(invalid(`A message must not be nested more than ${MAX_MESSAGE_DEPTH} levels deep`));
    }
    const initialize = findInitialize(messages);
    if (initialize && messages.length > 1) {
        throw new RefusedError(invalid('Only one initialization request is allowed'));
    }
    if (initialize && exchange.header('mcp-session-id') === undefined) {
        const message = messages.find(message => isRequest(message));
        if (message === undefined) {
            throw new RefusedError(invalid('initialize must be a request'));
        }
        return handleInitialize(service, exchange, { ...initialize, jsonrpc: '2.0', id: message.id });
    }
    const sessionId = sessionIdOf(exchange);
    const requests = messages.filter(message => isRequest(message));
    if (requests.length > 1 && new Set(requests.map(request => request.id)).size < requests.length) {
        throw new RefusedError(invalid('Requests of a batch must have different ids'));
    }
    if (service.draining && requests.length > 0) {
        throw new RefusedError(DRAINING_REFUSAL);
    }
    const principal = settings.principal(exchange.authInfo);
    if (initialize) {
        await enter(service, sessionId, principal);
        throw new RefusedError(invalid('Server already initialized'));
    }
    if (requests.length === 0) {
        const session = await enter(service, sessionId, principal);
        await occupied(session, () => handleMessages(service, exchange, session, messages));
    } else {
        await handleRequests(service, exchange, { sessionId, principal, messages, requests });
    }
}

function invalid(message: string): Refusal {
    return { status: 400, code: ErrorCode.InvalidRequest, message: `Invalid Request: ${message}` };
}

/** Keeps this node's copy of a session from being dropped while a request is on its way into it. */
async function occupied<T>(session: LocalSession, action: () => Promise<T>): Promise<T> {
    session.entering++;
    try {
        return await action();
    } finally {
        session.entering--;
    }
}

/** A POST without requests is answered 202 when each message is where it belongs. */
async function handleMessages(
    service: SessionService,
    exchange: HttpExchange,
    session: LocalSession,
    messages: readonly JSONRPCMessage[]
): Promise<void> {
    let refusal: Refusal | undefined;
    for (const message of messages) {
        if (isResponse(message)) {
            // Each is brought to its place, also after one that has none.
            const refused = await handleReply(service, session, message);
            refusal ??= refused;
        } else if (isNotification(message)) {
            await handleNotification(service, exchange, session, message);
        }
    }
    if (refusal) {
        throw new RefusedError(refusal);
    }
    exchange.respond(202, {});
}

async function handleReply({ router }: SessionService, session: LocalSession, reply: Response): Promise<Refusal | undefined> {
    const outcome = await router.reply(session, reply);
    switch (outcome) {
        case 'delivered':
            return undefined;
        case 'not-pending':
            return invalid(`No request with id ${JSON.stringify(reply.id)} waits for a reply in this session`);
        case 'gone':
            return {
                status: 410,
                code: REFUSED,
                message: `Gone: The server process that sent request ${JSON.stringify(reply.id)} has stopped and waits for no reply`
            };
        case 'unconfirmed':
            return {
                status: 503,
                code: REFUSED,
                message: 'Service Unavailable: The server process that waits for this reply has not confirmed it; send it again',
                headers: { 'Retry-After': '1' }
            };
    }
}

async function handleNotification(
    service: SessionService,
    exchange: HttpExchange,
    session: LocalSession,
    message: JSONRPCNotification
): Promise<void> {
    const { context, router } = service;
    switch (message.method) {
        case 'notifications/cancelled':
            return router.cancel(session, message);
        case 'notifications/progress':
            return router.progress(session, message);
        case 'notifications/initialized': {
            // Other copies learn it from the record, with the next request that they are asked to serve.
            await change(context, session, { initialized: true });
            const { transport } = await serverOf(session, exchange);
            return transport.deliverInitialized(message, messageExtra(exchange));
        }
        default: {
            await router.broadcast(session, message, 'notification');
            const { transport } = await serverOf(session, exchange);
            transport.deliver(message, messageExtra(exchange));
        }
    }
}

/**
 * The live server of a session that goes on.
 * @throws RefusedError if the session was closed meanwhile. FactoryError.
 */
async function serverOf(session: LocalSession, exchange: HttpExchange): Promise<LiveServer> {
    checkOpen(session);
    const live = session.readyServer ?? (await session.ensureServer(exchange.authInfo));
    checkOpen(session);
    if (live.transport.closed) {
        throw new RefusedError(COPY_DROPPED_REFUSAL);
    }
    return live;
}

/** Changes the record, and what this node knows of it. */
async function change({ store, calls }: SessionContext, session: LocalSession, state: Partial<SessionState>): Promise<void> {
    const revision = await calls.run(() => store.sessions.update(session.id, encodeState(state)));
    if (revision === undefined) {
        throw new RefusedError(SESSION_NOT_FOUND_REFUSAL);
    }
    session.changed(state, revision);
}

interface PostedRequests {
    readonly sessionId: string;
    readonly principal: string | undefined;
    readonly messages: readonly JSONRPCMessage[];
    readonly requests: readonly JSONRPCRequest[];
}

/** A POST with requests is answered with their responses. */
async function handleRequests(service: SessionService, exchange: HttpExchange, posted: PostedRequests): Promise<void> {
    const { context, sessions } = service;
    const { sessionId, principal } = posted;
    const known = sessions.get(sessionId);
    const isMine = known !== undefined && known.principal === principal && !known.mustReopen;
    if (isMine) {
        // The opening of the event log travels with the check of the session. A log is made only in the caller's own session: the
        // principal of this copy is compared here, and a session that is gone keeps no log.
        const log = openLog(context, posted);
        try {
            const session = await enter(service, sessionId, principal);
            await occupied(session, async () => {
                await log?.opened;
                await serve(service, exchange, session, posted, log?.stream);
            });
        } catch (error) {
            log?.stream.abandon();
            throw error;
        }
        return;
    }
    const session = await enter(service, sessionId, principal);
    await occupied(session, async () => {
        const log = openLog(context, posted);
        try {
            await Promise.all([serverOf(session, exchange), log?.opened]);
            await serve(service, exchange, session, posted, log?.stream);
        } catch (error) {
            // A request that is refused leaves no log that somebody could wait for.
            log?.stream.abandon();
            throw error;
        }
    });
}

interface EventLog {
    readonly stream: RequestStream;
    /** @throws RefusedError if the session is gone. TransportStoreError. */
    readonly opened: Promise<void>;
}

/** Begins the event log of an answer, where answers are logged. */
function openLog(context: SessionContext, { sessionId, requests }: PostedRequests): EventLog | undefined {
    const { settings, streams, calls, requestStreamIds, wake, onerror } = context;
    if (settings.enableJsonResponse || !settings.resumable) {
        return undefined;
    }
    const stream = new RequestStream({
        sessionId,
        streamId: requestStreamIds.next(),
        streams,
        calls,
        retention: settings.eventRetention,
        wake: (holder, streamId) => wake(holder, sessionId, streamId),
        onfenced: () => context.onfenced(sessionId, stream.id),
        onfinished: () => removeStream(),
        onerror
    });
    const removeStream = context.openStreams.add(stream);
    const opened = stream.open(requests.map(request => request.id)).then(exists => {
        if (!exists) {
            throw new RefusedError(SESSION_NOT_FOUND_REFUSAL);
        }
    });
    // Whoever awaits this may have been stopped by something else before.
    opened.catch(() => undefined);
    return { stream, opened };
}

async function serve(
    service: SessionService,
    exchange: HttpExchange,
    session: LocalSession,
    { messages, requests }: PostedRequests,
    stream: RequestStream | undefined
): Promise<void> {
    checkOpen(session);
    const live = session.readyServer ?? (await serverOf(session, exchange));
    for (const { id } of requests) {
        if (live.transport.isRunning(id)) {
            throw new RefusedError(invalid(`A request with id ${JSON.stringify(id)} is already running in this session`));
        }
    }
    const answer = startAnswer(service.context, exchange, session, requests, stream);
    for (const message of messages) {
        if (isRequest(message)) {
            try {
                deliverRequest(service.context, exchange, session, live, answer, message);
            } catch (error) {
                // The answer has begun, so it is where the client is told.
                service.context.onerror(asError(error));
                const failure = { code: ErrorCode.InternalError, message: 'Internal error' };
                void answer.respond({ jsonrpc: '2.0', id: message.id, error: failure });
            }
        } else {
            // Part of a batch whose requests have been taken: it can fail only on its own.
            deliverRest(service, exchange, session, message);
        }
    }
}

function startAnswer(
    context: SessionContext,
    exchange: HttpExchange,
    session: LocalSession,
    requests: readonly JSONRPCRequest[],
    stream: RequestStream | undefined
): PostAnswer {
    const { settings, cluster, keepAlive } = context;
    const headers = { 'mcp-session-id': session.id };
    const requestIds = requests.map(request => request.id);
    const ondone = (): void => {
        removeAnswer();
        session.lastUsed = performance.now();
        context.onanswered();
    };
    const standing = cluster.standing;
    const answer: PostAnswer = settings.enableJsonResponse
        ? new JsonPostAnswer(exchange, headers, requestIds, ondone)
        : new SsePostAnswer({
              exchange,
              headers,
              requestIds,
              stream,
              priming: isPrimed(exchange),
              retryMs: settings.retryInterval,
              keepAlive,
              isDoubtful: () => cluster.standing === undefined || cluster.standing !== standing,
              ondone
          });
    const removeAnswer = session.answers.add(answer);
    return answer;
}

function isPrimed(exchange: HttpExchange): boolean {
    return protocolVersionOf(exchange, undefined) >= FIRST_VERSION_WITH_PRIMING;
}

function deliverRequest(
    context: SessionContext,
    exchange: HttpExchange,
    session: LocalSession,
    { transport }: LiveServer,
    answer: PostAnswer,
    request: JSONRPCRequest
): void {
    const extra = messageExtra(exchange);
    if (answer.streamId !== undefined && isPrimed(exchange)) {
        const { streamId } = answer;
        extra.closeSSEStream = () => {
            if (!answer.detach()) {
                // The client has gone elsewhere with it.
                context.endStream(session, streamId);
            }
        };
        extra.closeStandaloneSSEStream = () => context.endStream(session, session.record.standaloneStream);
    }
    const target = request.method === 'logging/setLevel' ? afterStoring(context, session, request, answer) : answer;
    transport.deliverRequest(request, target, extra);
}

/** Holds the answer to `logging/setLevel` back until the level is stored, so that whoever has the answer finds it on every node. */
function afterStoring(context: SessionContext, session: LocalSession, request: JSONRPCRequest, answer: PostAnswer): RequestTarget {
    return {
        sendRelated: message => answer.sendRelated(message),
        respond: async response => {
            const level = request.params?.['level'];
            if ('result' in response && typeof level === 'string') {
                try {
                    await change(context, session, { logLevel: level });
                } catch (error) {
                    context.onerror(asStoreError(error));
                    const message = 'The log level could not be stored; it is in force on this server process only. Set it again.';
                    return answer.respond({ jsonrpc: '2.0', id: request.id, error: { code: ErrorCode.InternalError, message } });
                }
            }
            return answer.respond(response);
        }
    };
}

function deliverRest(
    service: SessionService,
    exchange: HttpExchange,
    session: LocalSession,
    message: Response | JSONRPCNotification
): void {
    const delivery: Promise<unknown> = isResponse(message)
        ? service.router.reply(session, message)
        : handleNotification(service, exchange, session, message);
    delivery.catch(error => service.context.onerror(asError(error)));
}

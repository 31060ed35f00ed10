import { messageEvent } from '../http/eventText.js';
import type { HttpExchange } from '../http/httpExchange.js';
import { EVENT_STREAM_HEADERS } from '../http/requestChecks.js';
import { messageExtra } from '../http/requestInfo.js';
import { ErrorCode, type InitializeRequest, type JSONRPCMessage, type MessageExtraInfo } from '../http/sdk.js';
import { asError } from './asError.js';
import { LocalSession } from './localSession.js';
import type { LocalSessions } from './localSessions.js';
import { FactoryError, closeServer, makeServer } from './liveServer.js';
import type { SessionContext } from './sessionContext.js';
import { isWellFormedSessionId, randomName } from './sessionIds.js';
import { NEW_STATE, encodeRecord, encodeState } from './sessionRecord.js';
import { DRAINING_REFUSAL, RefusedError, type SessionService } from './sessionService.js';
import type { Response, SessionTransport } from './sessionTransport.js';

type InitializeMessage = InitializeRequest & { readonly jsonrpc: '2.0'; readonly id: string | number };

/**
 * Makes a session: a server that accepts the `initialize` request, then the record, then the answer. Every node can serve the session
 * before the client knows its id. (Streamable HTTP, "Session Management", point 1.)
 * @throws RefusedError, TransportStoreError, FactoryError, CapacityError
 */
export async function handleInitialize(service: SessionService, exchange: HttpExchange, message: InitializeMessage): Promise<void> {
    if (service.draining) {
        throw new RefusedError(DRAINING_REFUSAL);
    }
    service.sessions.reserve();
    try {
        await begin(service, exchange, message);
    } finally {
        service.sessions.giveBack();
    }
}

async function begin({ context, sessions }: SessionService, exchange: HttpExchange, message: InitializeMessage): Promise<void> {
    await context.cluster.ensureJoined();
    const { settings } = context;
    const id = newSessionId(context);
    const principal = settings.principal(exchange.authInfo);
    const standaloneStream = randomName();
    const live = await makeServer(context, id, standaloneStream, { restored: false, authInfo: exchange.authInfo });
    let isStored = false;
    try {
        const { response, before } = await ask(live.transport, message, messageExtra(exchange));
        if (live.transport.closed) {
            throw new FactoryError('The server of the session was closed before it answered initialize');
        }
        if ('error' in response) {
            await closeServer(live, context.onerror);
            answer(context, exchange, [...before, response], {});
            return;
        }
        const record = { initialize: message.params, protocolVersion: protocolVersionIn(response), standaloneStream };
        await create(context, id, principal, encodeRecord(record));
        isStored = true;
        sessions.add(new LocalSession(context, id, principal, { record, state: NEW_STATE, revision: 1 }, live));
        context.emit({ type: 'session.created', sessionId: id });
        await settings.onsessioninitialized?.(id);
        answer(context, exchange, [...before, response], { 'mcp-session-id': id });
    } catch (error) {
        if (isStored) {
            discard(context, sessions, id, principal);
        } else {
            await closeServer(live, context.onerror);
        }
        throw error;
    }
}

/** Ends a session whose client will not learn its id. If the store can't delete it now, it expires. */
function discard({ store, calls, onerror }: SessionContext, sessions: LocalSessions, id: string, principal: string | undefined): void {
    sessions.deleted(id, 'deleted');
    calls.run(() => store.sessions.delete(id, { principal })).catch(error => onerror(asError(error)));
}

function newSessionId({ settings }: SessionContext): string {
    const id = settings.sessionIdGenerator();
    if (id === '' || !isWellFormedSessionId(id)) {
        throw new Error('sessionIdGenerator must return 1 to 256 visible ASCII characters');
    }
    return id;
}

async function create({ store, calls, cluster, settings }: SessionContext, id: string, principal: string | undefined, record: string) {
    const created = await calls.run(() =>
        store.sessions.create(id, {
            record,
            state: encodeState(NEW_STATE),
            principal,
            node: cluster.id,
            ttlMs: settings.sessionTtlMs,
            maxAgeMs: settings.maxSessionAgeMs
        })
    );
    if (!created) {
        throw new Error('sessionIdGenerator returned the id of a session that exists; ids must be unique and impossible to guess');
    }
}

/** Delivers a request and collects what the server sends for it. */
function ask(
    transport: SessionTransport,
    message: InitializeMessage,
    extra: MessageExtraInfo
): Promise<{ response: Response; before: JSONRPCMessage[] }> {
    return new Promise(resolve => {
        const before: JSONRPCMessage[] = [];
        transport.deliverRequest(
            message,
            {
                respond: response => resolve({ response, before }),
                sendRelated: related => {
                    before.push(related);
                    return true;
                }
            },
            extra
        );
    });
}

function protocolVersionIn(response: Response): string {
    const version = 'result' in response ? response.result['protocolVersion'] : undefined;
    if (typeof version !== 'string') {
        throw new RefusedError({
            status: 500,
            code: ErrorCode.InternalError,
            message: 'Internal error: the server answered initialize without a protocol version'
        });
    }
    return version;
}

function answer(
    { settings }: SessionContext,
    exchange: HttpExchange,
    messages: readonly JSONRPCMessage[],
    headers: Record<string, string>
) {
    if (settings.enableJsonResponse) {
        exchange.respond(200, { 'Content-Type': 'application/json', ...headers }, JSON.stringify(messages[messages.length - 1]));
    } else {
        const text = messages.map(message => messageEvent(JSON.stringify(message))).join('');
        exchange.startEventStream({ ...EVENT_STREAM_HEADERS, ...headers }).end(text);
    }
}

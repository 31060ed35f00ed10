import type { HttpExchange } from '../http/httpExchange.js';
import { checkProtocolVersion } from '../http/requestChecks.js';
import { REFUSED, SESSION_NOT_FOUND, type Refusal } from '../http/refusal.js';
import { TransportStoreError, type SessionRefusal } from '../transportStore.js';
import { FactoryError } from './liveServer.js';
import type { LocalSession } from './localSession.js';
import { CapacityError, type LocalSessions } from './localSessions.js';
import type { MessageRouter } from './messageRouter.js';
import type { SessionContext } from './sessionContext.js';
import { isWellFormedSessionId, MAX_SESSION_ID_LENGTH } from './sessionIds.js';

/** What the handling of every HTTP method needs. */
export interface SessionService {
    readonly context: SessionContext;
    readonly sessions: LocalSessions;
    readonly router: MessageRouter;
    readonly draining: boolean;
}

/** Ends the handling of a request with a refusal; thrown where a refusal is found deep inside. */
export class RefusedError extends Error {
    readonly refusal: Refusal;

    constructor(refusal: Refusal) {
        super(refusal.message);
        this.name = 'RefusedError';
        this.refusal = refusal;
    }
}

export const SESSION_NOT_FOUND_REFUSAL: Refusal = { status: 404, code: SESSION_NOT_FOUND, message: 'Session not found' };

/** Seconds after which a client may try again. */
const RETRY_AFTER_SECONDS = '1';

export const DRAINING_REFUSAL: Refusal = {
    status: 503,
    code: REFUSED,
    message: 'Service Unavailable: This server process is shutting down; send the request again',
    headers: { 'Retry-After': RETRY_AFTER_SECONDS, Connection: 'close' }
};

/** The session goes on, so a client must not take it for ended. */
export const COPY_DROPPED_REFUSAL: Refusal = {
    status: 503,
    code: REFUSED,
    message: 'Service Unavailable: This server process has just dropped its copy of the session; send the request again',
    headers: { 'Retry-After': RETRY_AFTER_SECONDS }
};

/**
 * The session that a request names.
 * @throws RefusedError 400 without a session id or with a malformed one, or if the protocol version is not supported. No store is asked.
 */
export function sessionIdOf(exchange: HttpExchange): string {
    const sessionId = exchange.header('mcp-session-id');
    if (!sessionId) {
        throw new RefusedError({ status: 400, code: REFUSED, message: 'Bad Request: Mcp-Session-Id header is required' });
    }
    if (!isWellFormedSessionId(sessionId)) {
        throw new RefusedError({
            status: 400,
            code: REFUSED,
            message: `Bad Request: Mcp-Session-Id must be 1 to ${MAX_SESSION_ID_LENGTH} visible ASCII characters`
        });
    }
    const refusal = checkProtocolVersion(exchange);
    if (refusal) {
        throw new RefusedError(refusal);
    }
    return sessionId;
}

/**
 * Lets a request into its session.
 * @throws RefusedError 404 if there is no such session, or it is not the caller's; see also {@link checkOpen}. TransportStoreError.
 * CapacityError.
 */
export async function enter(service: SessionService, sessionId: string, principal: string | undefined): Promise<LocalSession> {
    const session = await service.sessions.enter(sessionId, principal);
    if (isSessionRefusal(session)) {
        // A stranger is not told that the session exists.
        throw new RefusedError(SESSION_NOT_FOUND_REFUSAL);
    }
    checkOpen(session);
    return session;
}

/**
 * Checks that a session was not closed since the request was let in.
 * @throws RefusedError 404 if the session has ended, 503 if only this node's copy was dropped.
 */
export function checkOpen(session: LocalSession): void {
    if (session.closed) {
        throw new RefusedError(session.over ? SESSION_NOT_FOUND_REFUSAL : COPY_DROPPED_REFUSAL);
    }
}

function isSessionRefusal(session: LocalSession | SessionRefusal): session is SessionRefusal {
    return 'status' in session;
}

/** How a failure inside is told to the client, see the failure table in the documentation. */
export function refusalOf(error: unknown): Refusal {
    if (error instanceof RefusedError) {
        return error.refusal;
    }
    if (error instanceof TransportStoreError) {
        return {
            status: 503,
            code: REFUSED,
            message: 'Service Unavailable: The session store can not be used at the moment; the session is not lost, try again',
            headers: { 'Retry-After': RETRY_AFTER_SECONDS },
            data: error.code
        };
    }
    if (error instanceof CapacityError) {
        return {
            status: 503,
            code: REFUSED,
            message: 'Service Unavailable: This server process can not take another session at the moment; try again',
            headers: { 'Retry-After': RETRY_AFTER_SECONDS },
            data: error.code
        };
    }
    return {
        status: 500,
        code: -32603,
        message: 'Internal error',
        data: error instanceof FactoryError ? error.code : undefined
    };
}

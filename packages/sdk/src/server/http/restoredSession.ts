import { SessionRestoreError } from '../session/sessionRestoreError.js';
import { MAX_SESSION_ID_LENGTH, isWellFormedSessionId } from '../session/sessionIds.js';
import { InitializeRequestSchema, LoggingLevelSchema, type InitializeRequest, type LoggingLevel } from './sdk.js';

/** A session that exists already, as `onsessioninitialized` and `onsessionchanged` have reported it. It is plain JSON. */
export interface RestoredSession {
    /** 1 to 256 visible ASCII characters. */
    readonly sessionId: string;
    /** Parameters of the client's `initialize` request. */
    readonly initialize: InitializeRequest['params'];
    /** Whether the client has sent `notifications/initialized`. Default: true. */
    readonly initialized?: boolean | undefined;
    /** Level that the client has set last by `logging/setLevel`. Default: none was set. */
    readonly logLevel?: LoggingLevel | undefined;
}

/** All that must be stored of a session so that another transport can be built for it, see {@link RestoredSession}. */
export interface SessionSnapshot extends RestoredSession {
    readonly initialized: boolean;
}

/** What is to be stored of a session that begins with an `initialize` request. */
export function snapshotOf(sessionId: string, initialize: InitializeRequest['params']): SessionSnapshot {
    const params = { ...initialize };
    // Metadata belongs to the one request that carried it.
    delete params._meta;
    return { sessionId, initialize: params, initialized: false };
}

/** @throws {@link SessionRestoreError} if a session is not fit to be restored. */
export function checkRestoredSession(session: RestoredSession): void {
    if (typeof session.sessionId !== 'string' || !isWellFormedSessionId(session.sessionId)) {
        throw new SessionRestoreError(
            'INVALID_SESSION_ID',
            `restoredSession.sessionId must be 1 to ${MAX_SESSION_ID_LENGTH} visible ASCII characters; ` +
                'refuse malformed ids before you look a session up'
        );
    }
    const initialize = InitializeRequestSchema.safeParse({ method: 'initialize', params: session.initialize });
    if (!initialize.success) {
        throw new SessionRestoreError(
            'INVALID_INITIALIZE',
            'restoredSession.initialize must be the parameters of an initialize request, as onsessioninitialized has reported them',
            { cause: initialize.error }
        );
    }
    if (session.logLevel !== undefined) {
        const level = LoggingLevelSchema.safeParse(session.logLevel);
        if (!level.success) {
            throw new SessionRestoreError('INVALID_LOG_LEVEL', 'restoredSession.logLevel must be a log level of the protocol', {
                cause: level.error
            });
        }
    }
}

import { CausedError } from '../session/causedError.js';
import type { HttpExchange } from './httpExchange.js';
import { REFUSED, SESSION_NOT_FOUND, type Refusal } from './refusal.js';
import { snapshotOf, type SessionSnapshot } from './restoredSession.js';
import { ErrorCode, type InitializeRequest, type JSONRPCMessage } from './sdk.js';
import { SessionChanges } from './sessionChanges.js';
import type { TransportFace } from './transportFace.js';
import type { StreamableHttpOptions } from './transportOptions.js';

export const SESSION_GONE: Refusal = { status: 404, code: SESSION_NOT_FOUND, message: 'Session not found' };
const NOT_INITIALIZED: Refusal = { status: 400, code: REFUSED, message: 'Bad Request: Server not initialized' };
const NO_SESSION_ID: Refusal = { status: 400, code: REFUSED, message: 'Bad Request: Mcp-Session-Id header is required' };
const INITIALIZED_ALREADY: Refusal = {
    status: 400,
    code: ErrorCode.InvalidRequest,
    message: 'Invalid Request: Server already initialized'
};
const INITIALIZE_IN_BATCH: Refusal = {
    status: 400,
    code: ErrorCode.InvalidRequest,
    message: 'Invalid Request: Only one initialization request is allowed'
};

/** Told of the end of a session. A stateless transport has no id to tell. */
interface EndListener {
    onsessionclosed?(sessionId: string | undefined): void | Promise<void>;
}

/** The session of a transport: whether there is one, and which requests belong to it. */
export class TransportSession {
    /** Without sessions, every request is let in, and there may be one HTTP request only. */
    readonly isStateless: boolean;
    /** Headers of answers that tell the session id. */
    headers: Readonly<Record<string, string>> = {};
    /** What is to be stored of the session, if somebody wants to know. */
    changes: SessionChanges | undefined;
    private readonly face: TransportFace;
    private readonly options: StreamableHttpOptions;
    private isInitialized = false;

    constructor(face: TransportFace, options: StreamableHttpOptions) {
        this.face = face;
        this.options = options;
        const { restoredSession } = options;
        this.isStateless = options.sessionIdGenerator === undefined && restoredSession === undefined;
        if (restoredSession !== undefined) {
            this.begin(restoredSession.sessionId);
            this.watch({ ...restoredSession, initialized: restoredSession.initialized ?? true });
        }
    }

    /** Checks that a request belongs to the session. */
    check(exchange: HttpExchange): Refusal | undefined {
        if (this.isStateless) {
            return undefined;
        }
        if (!this.isInitialized) {
            return NOT_INITIALIZED;
        }
        const sessionId = exchange.header('mcp-session-id');
        if (!sessionId) {
            return NO_SESSION_ID;
        }
        return sessionId === this.face.sessionId ? undefined : SESSION_GONE;
    }

    /** Checks a POST that carries `initialize`. */
    checkInitialize(messages: readonly JSONRPCMessage[]): Refusal | undefined {
        if (this.isInitialized && this.face.sessionId !== undefined) {
            return INITIALIZED_ALREADY;
        }
        return messages.length > 1 ? INITIALIZE_IN_BATCH : undefined;
    }

    /** @throws what `sessionIdGenerator` or `onsessioninitialized` fail with. */
    async initialize(request: InitializeRequest): Promise<void> {
        const { sessionIdGenerator, onsessioninitialized } = this.options;
        const sessionId = sessionIdGenerator?.();
        this.begin(sessionId);
        if (sessionId) {
            const snapshot = snapshotOf(sessionId, request.params);
            this.watch(snapshot);
            await onsessioninitialized?.(sessionId, snapshot);
        }
    }

    /** @throws what `onsessionclosed` fails with. */
    async end(): Promise<void> {
        const listener: EndListener = this.options;
        await listener.onsessionclosed?.(this.face.sessionId);
    }

    private begin(sessionId: string | undefined): void {
        this.face.sessionId = sessionId;
        this.headers = sessionId === undefined ? {} : { 'mcp-session-id': sessionId };
        this.isInitialized = true;
    }

    private watch(snapshot: SessionSnapshot): void {
        const { onsessionchanged } = this.options;
        if (onsessionchanged === undefined) {
            return;
        }
        this.changes = new SessionChanges(snapshot, async changed => {
            try {
                await onsessionchanged(changed.sessionId, changed);
            } catch (error) {
                this.face.onerror?.(new CausedError('onsessionchanged failed, so the stored session is out of date', { cause: error }));
            }
        });
    }
}

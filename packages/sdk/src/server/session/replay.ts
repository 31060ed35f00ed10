import type {
    InitializeRequest,
    JSONRPCErrorResponse,
    JSONRPCMessage,
    JSONRPCRequest,
    JSONRPCResultResponse,
    LoggingLevel,
    RequestId
} from '../http/sdk.js';
import { SessionRestoreError } from './sessionRestoreError.js';

/** What a server object knows of its client, and what is therefore replayed into a new one. */
export interface ClientState {
    /** Parameters of the client's `initialize` request. */
    readonly initialize: InitializeRequest['params'];
    /** Whether the client has sent `notifications/initialized`. */
    readonly initialized: boolean;
    /** Level that the client has set last, if it has set one. */
    readonly logLevel?: LoggingLevel | undefined;
}

type Reply = JSONRPCResultResponse | JSONRPCErrorResponse;

interface Waiting {
    resolve(reply: Reply): void;
    reject(error: Error): void;
}

/**
 * Catches what a server sends in answer to replayed requests, which no client has asked for.
 *
 * A transport that restores a session offers every message that its server sends to {@link take} until the replay is over.
 */
export class ReplayedReplies {
    private readonly waiting = new Map<RequestId, Waiting>();
    private abandoned = false;

    /** The reply to a replayed request. Call this before the request is delivered. */
    expect(id: RequestId): Promise<Reply> {
        if (this.abandoned) {
            return Promise.reject(transportClosed());
        }
        return new Promise((resolve, reject) => {
            this.waiting.set(id, { resolve, reject });
        });
    }

    /**
     * @param relatedRequestId the option of that name of `Transport.send`.
     * @returns true if the message belongs to a replayed request, so that no client may see it.
     */
    take(message: JSONRPCMessage, relatedRequestId?: RequestId): boolean {
        if ('method' in message) {
            return relatedRequestId !== undefined && this.waiting.has(relatedRequestId);
        }
        const { id } = message;
        const waiting = id === undefined ? undefined : this.waiting.get(id);
        if (id === undefined || waiting === undefined) {
            return false;
        }
        this.waiting.delete(id);
        waiting.resolve(message);
        return true;
    }

    /** Ends a replay whose server will not answer any more, since the transport is closed. */
    abandon(): void {
        this.abandoned = true;
        for (const { reject } of this.waiting.values()) {
            reject(transportClosed());
        }
        this.waiting.clear();
    }
}

function transportClosed(): SessionRestoreError {
    return new SessionRestoreError('CLOSED', 'The transport was closed before its session was restored');
}

const INITIALIZE_ID = 'restore-initialize';
const SET_LEVEL_ID = 'restore-log-level';

/**
 * Brings a server object that was just connected into the state in which another one was when a session was stored: it then knows the
 * client's capabilities, the client's name, the protocol version and the log level.
 *
 * The client's own messages are replayed, so that this needs nothing of the server but its transport. Nothing else may be delivered
 * to the server before the promise resolves. `oninitialized` of the server fires, as this server object is new.
 * @param deliver hands a message to the server, as the transport's `onmessage` does.
 * @param replies is offered every message that the server sends meanwhile.
 * @throws {@link SessionRestoreError} `INITIALIZE_REFUSED` if the server refuses the `initialize` request, `CLOSED` if `replies` was
 * abandoned. A refused log level is no error: a server that was changed since may log no more.
 */
export async function replayInto(deliver: (message: JSONRPCMessage) => void, replies: ReplayedReplies, state: ClientState): Promise<void> {
    const ask = (request: JSONRPCRequest): Promise<Reply> => {
        const reply = replies.expect(request.id);
        deliver(request);
        return reply;
    };
    const reply = await ask({ jsonrpc: '2.0', id: INITIALIZE_ID, method: 'initialize', params: state.initialize });
    if ('error' in reply) {
        const { code, message } = reply.error;
        throw new SessionRestoreError(
            'INITIALIZE_REFUSED',
            `The server refused the stored initialize request, so the session can't be restored: ${message} (${code})`,
            { cause: reply.error }
        );
    }
    if (state.initialized) {
        deliver({ jsonrpc: '2.0', method: 'notifications/initialized' });
    }
    if (state.logLevel !== undefined) {
        await ask({ jsonrpc: '2.0', id: SET_LEVEL_ID, method: 'logging/setLevel', params: { level: state.logLevel } });
    }
}

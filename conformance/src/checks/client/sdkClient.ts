import type { Kind } from '../support/tools.ts';

/** A release of the SDK's client, as the checks use it. */
export interface SdkClient {
    /** Its name in what a check says. */
    readonly name: string;
    /** Makes a session, or goes on with one. */
    connect(url: string, options: ConnectOptions): Promise<ConnectedClient>;
}

export interface ClientSession {
    readonly id: string;
    readonly protocolVersion: string;
}

export interface ConnectOptions {
    /** Goes on with that session. Default: a new one. */
    readonly session?: ClientSession;
    /** What to answer the server's questions. */
    readonly answer?: (kind: Kind) => string;
    /** Is told of log messages. */
    readonly onlog?: (data: unknown) => void;
}

export interface CallOptions {
    readonly onprogress?: (progress: number) => void;
    readonly signal?: AbortSignal;
    /** Goes on after this event with the answer that an earlier client was given, instead of calling. */
    readonly resumptionToken?: string;
    /** Is told of events to resume from. */
    readonly onresumptiontoken?: (token: string) => void;
}

/** A client in a session. All methods reject with what the SDK throws. */
export interface ConnectedClient {
    readonly session: ClientSession;
    listTools(): Promise<readonly string[]>;
    /** @returns the first text of the result. */
    callTool(name: string, args?: Record<string, unknown>, options?: CallOptions): Promise<string>;
    setLogLevel(level: 'debug' | 'warning'): Promise<void>;
    /** Tells the server that the roots are others now. */
    rootsChanged(): Promise<void>;
    /** Ends the session. */
    terminate(): Promise<void>;
    /** Goes away; the session lives on. */
    close(): Promise<void>;
}

/** Who the client says that it is. */
export const clientInfo = { name: 'session-conformance-client', version: '1.0.0' };

/** Everything that a server can ask it. */
export const capabilities = { elicitation: {}, sampling: {}, roots: { listChanged: true } };

/** How long the SDK waits for an answer, in milliseconds. */
export const requestTimeoutMs = 12_000;

/** Much sooner than by default, so that checks need not wait. */
export const reconnectionOptions = {
    initialReconnectionDelay: 100,
    maxReconnectionDelay: 500,
    reconnectionDelayGrowFactor: 1.5,
    maxRetries: 10
};

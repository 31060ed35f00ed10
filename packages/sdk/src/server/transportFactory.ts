import type { AuthInfo, TaskMessageQueue, Transport } from './http/sdk.js';

/** What a {@link TransportFactory} is told about the session that it makes a server for. */
export interface TransportFactoryContext {
    readonly sessionId: string;
    /**
     * False if the request at hand is the `initialize` that begins the session; true if the session exists and this node makes a live
     * copy of it. Whatever must happen once per session, not once per node, belongs behind `!restored`.
     */
    readonly restored: boolean;
    /** Who sends the request that makes this copy necessary. Requests that come later bring their own, in the handlers' `extra.authInfo`. */
    readonly authInfo: AuthInfo | undefined;
    /**
     * The live transport of the session on this node. It need not be touched: a server that is returned unconnected is connected to it.
     * It speaks for the session, not for one connection: what is sent through it reaches the client wherever the client is connected.
     */
    readonly transport: Transport;
    /**
     * Makes a task message queue that nodes share fit for the server of this session: what a task asks the client may be handed out by
     * any node that serves `tasks/result`, and the reply comes back to the node whose task asks. Pass the result as `taskMessageQueue`.
     * @param queue a queue that all nodes use.
     */
    routeTaskMessages(queue: TaskMessageQueue): TaskMessageQueue;
}

/** What the session layer needs of a server; `McpServer` and `Server` have it. */
export interface SessionServer {
    connect(transport: Transport): Promise<void>;
    close(): Promise<void>;
}

/**
 * Makes the server of one session on this node, new or restored. It takes the place of the `Map<sessionId, transport>` that a
 * one-process server keeps: it is called once for each live copy, by the first request that needs it, however many arrive at once.
 *
 * A restored server is given the session's stored `initialize`, `notifications/initialized` and log level before any request, so
 * capabilities, client info and level are there, and `oninitialized` fires.
 *
 * If it throws or rejects, the requests that wait for it are answered 500, nothing is kept, and the next request tries again.
 */
export type TransportFactory = (context: TransportFactoryContext) => SessionServer | Promise<SessionServer>;

import type { IncomingMessage, ServerResponse } from 'node:http';
import { NodeHttpExchange } from './http/nodeHttpExchange.js';
import type { AuthInfo } from './http/sdk.js';
import { WebHttpExchange } from './http/webHttpExchange.js';
import type { SessionHandlerOptions } from './session/sessionHandlerOptions.js';
import { SessionNode, type NodeControls } from './session/sessionNode.js';
import type { TransportFactory } from './transportFactory.js';

export type { PrincipalOf } from './session/principal.js';
export type { SessionEvent } from './session/sessionEvents.js';
export type { NodeControls, SessionCapabilities } from './session/sessionNode.js';
export type { SessionHandlerOptions } from './session/sessionHandlerOptions.js';
export type { SessionServer, TransportFactory, TransportFactoryContext } from './transportFactory.js';

/** Serves MCP over Streamable HTTP, as one of any number of nodes. Made by {@link createSessionHandler}. */
export interface SessionHandler extends NodeControls {
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
}

/**
 * Makes a handler that serves the sessions of an MCP server on this node, together with every other node that uses the same store.
 *
 * @param factory makes the server of one session, see {@link TransportFactory}.
 * @throws RangeError if an option is out of range.
 */
export function createSessionHandler(factory: TransportFactory, options: SessionHandlerOptions = {}): SessionHandler {
    const node = new SessionNode(factory, options);
    const handleWebRequest: SessionHandler['handleWebRequest'] = (request, requestOptions) => {
        const exchange = new WebHttpExchange(request, requestOptions);
        void node.handle(exchange);
        return exchange.response;
    };
    return {
        handleRequest: (req, res, parsedBody) => node.handle(new NodeHttpExchange(req, res, parsedBody)),
        handleWebRequest,
        fetch: request => handleWebRequest(request),
        isReady: () => node.isReady(),
        close: closeOptions => node.close(closeOptions),
        get liveSessions() {
            return node.liveSessions;
        },
        capabilities: node.capabilities
    };
}

import type { McpHandlerRequestOptions } from './createMcpHandler';
import { WebHttpExchange } from './http/webHttpExchange';
import type { SessionHandlerOptions } from './session/sessionHandlerOptions';
import type { NodeControls } from './session/sessionNode';
import { SessionNode } from './session/sessionNode';
import type { TransportFactory } from './transportFactory';

/**
 * Serves the sessions of protocol revisions up to 2025-11-25 over Streamable HTTP, as one of any number of nodes. Made by
 * {@linkcode createSessionHandler}.
 */
export interface SessionHandler extends NodeControls {
    /**
     * Handles a web-standard request; may be passed around without its object. Never rejects. `toNodeHandler` of
     * `@modelcontextprotocol/node` makes a handler for Express, Fastify and `node:http` of it.
     */
    readonly fetch: (request: Request, options?: McpHandlerRequestOptions) => Promise<Response>;
}

/**
 * Makes a handler that serves the sessions of an MCP server on this node, together with every other node that uses the same store.
 *
 * It is for clients that begin with `initialize`. Those of revision 2026-07-28 have no sessions; {@linkcode createMcpHandler} serves
 * them, and {@linkcode isLegacyRequest} tells which of the two a request is for:
 *
 * ```ts
 * const sessions = createSessionHandler(() => buildServer(), { store });
 * const modern = createMcpHandler(() => buildServer(), { legacy: 'reject' });
 * const handler = {
 *     fetch: async (request, options) =>
 *         ((await isLegacyRequest(request, options?.parsedBody)) ? sessions : modern).fetch(request, options)
 * };
 * app.all('/mcp', toNodeHandler(handler));
 * ```
 *
 * @param factory makes the server of one session, see {@linkcode TransportFactory}.
 * @throws RangeError if an option is out of range.
 */
export function createSessionHandler(factory: TransportFactory, options: SessionHandlerOptions = {}): SessionHandler {
    const node = new SessionNode(factory, options);
    return {
        fetch: (request, requestOptions) => {
            const exchange = new WebHttpExchange(request, requestOptions);
            void node.handle(exchange);
            return exchange.response;
        },
        isReady: () => node.isReady(),
        close: closeOptions => node.close(closeOptions),
        get liveSessions() {
            return node.liveSessions;
        },
        capabilities: node.capabilities
    };
}

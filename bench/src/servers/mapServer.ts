import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { StreamableHTTPServerTransport as UpstreamTransport } from '@modelcontextprotocol/sdk-upstream/server/streamableHttp.js';
import { RecentEvents } from './recentEvents.ts';
import { announce, makeServer } from './mcpServer.ts';
import type { BenchServer, ServerSetup } from './messages.ts';

type AnyTransport = StreamableHTTPServerTransport | UpstreamTransport;

/** A `Map` of transports by session id, as in the SDK's examples, with the SDK's own transport or the fork's. */
export function mapServer({ implementation, json, resumable }: ServerSetup): BenchServer {
    const sessions = new Map<string, { readonly transport: AnyTransport; readonly server: Server }>();

    async function begin(): Promise<AnyTransport> {
        const server = makeServer();
        const options = {
            sessionIdGenerator: () => randomUUID(),
            enableJsonResponse: json,
            ...(resumable ? { eventStore: new RecentEvents() } : {}),
            onsessioninitialized: (sessionId: string) => {
                sessions.set(sessionId, { transport, server });
            },
            onsessionclosed: (sessionId: string) => {
                sessions.delete(sessionId);
            }
        };
        const transport: AnyTransport =
            implementation === 'upstream' ? new UpstreamTransport(options) : new StreamableHTTPServerTransport(options);
        await server.connect(transport);
        return transport;
    }

    async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
        const sessionId = request.headers['mcp-session-id'];
        if (sessionId === undefined) {
            await (await begin()).handleRequest(request, response);
            return;
        }
        const session = typeof sessionId === 'string' ? sessions.get(sessionId) : undefined;
        if (session === undefined) {
            response.writeHead(404).end();
            return;
        }
        await session.transport.handleRequest(request, response);
    }

    return {
        handle: (request, response) => void handle(request, response),
        broadcast: async () => {
            await Promise.all(Array.from(sessions.values(), ({ server }) => announce(server)));
        },
        get liveSessions() {
            return sessions.size;
        },
        close: async () => undefined
    };
}

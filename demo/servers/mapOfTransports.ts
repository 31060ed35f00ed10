/** The same server on the unmodified SDK, with a map of the sessions of this process, as the SDK's examples have it. */
import { randomUUID } from 'node:crypto';
import { type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { InMemoryEventStore } from '@modelcontextprotocol/sdk-upstream/examples/shared/inMemoryEventStore.js';
import { McpServer } from '@modelcontextprotocol/sdk-upstream/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk-upstream/server/streamableHttp.js';
import { isInitializeRequest } from '@modelcontextprotocol/sdk-upstream/types.js';
import { node, serve } from './serve.ts';
import { addTools } from './tools.ts';

const transports = new Map<string, StreamableHTTPServerTransport>();

serve(
    async (req, res) => {
        const body = req.method === 'POST' ? await json(req) : undefined;
        const sessionId = req.headers['mcp-session-id'];
        const known = typeof sessionId === 'string' ? transports.get(sessionId) : undefined;
        if (known !== undefined) {
            await known.handleRequest(req, res, body);
        } else if (sessionId !== undefined) {
            refuse(res, 404, -32001, 'Session not found');
        } else if (isInitializeRequest(body)) {
            const transport = await newSession();
            await transport.handleRequest(req, res, body);
        } else {
            refuse(res, 400, -32000, 'Bad Request: Session ID required');
        }
    },
    async () => {
        await Promise.all([...transports.values()].map(transport => transport.close()));
    }
);

async function newSession(): Promise<StreamableHTTPServerTransport> {
    const transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        eventStore: new InMemoryEventStore(),
        onsessioninitialized: sessionId => {
            transports.set(sessionId, transport);
        }
    });
    transport.onclose = () => {
        if (transport.sessionId !== undefined) {
            transports.delete(transport.sessionId);
        }
    };
    const server = new McpServer({ name: 'demo', version: '1.0.0' }, { capabilities: { logging: {} } });
    addTools(server, node);
    await server.connect(transport);
    return transport;
}

function refuse(res: ServerResponse, status: number, code: number, message: string): void {
    res.writeHead(status, { 'content-type': 'application/json' });
    res.end(JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id: null }));
}

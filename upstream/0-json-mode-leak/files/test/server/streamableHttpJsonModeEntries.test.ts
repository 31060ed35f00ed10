import { CallToolRequestSchema } from '../../src/types.js';
import { Server } from '../../src/server/index.js';
import { WebStandardStreamableHTTPServerTransport } from '../../src/server/webStandardStreamableHttp.js';

const REQUESTS = 50;

function post(message: object, sessionId?: string): Request {
    return new Request('http://localhost/mcp', {
        method: 'POST',
        headers: {
            'content-type': 'application/json',
            accept: 'application/json, text/event-stream',
            ...(sessionId === undefined ? {} : { 'mcp-session-id': sessionId })
        },
        body: JSON.stringify(message)
    });
}

/** The entries that a map field of an object holds, found without naming the field. */
function entriesHeldBy(transport: object): number {
    return Object.values(transport)
        .filter(value => value instanceof Map)
        .reduce((sum, map) => sum + map.size, 0);
}

describe('JSON response mode', () => {
    it('keeps nothing of a request that is answered', async () => {
        const server = new Server({ name: 'test', version: '1.0.0' }, { capabilities: { tools: {} } });
        server.setRequestHandler(CallToolRequestSchema, () => ({ content: [] }));
        const transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator: () => 'session', enableJsonResponse: true });
        await server.connect(transport);
        const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1.0.0' } };
        const initialized = await transport.handleRequest(post({ jsonrpc: '2.0', id: 0, method: 'initialize', params }));
        expect(initialized.status).toBe(200);
        const before = entriesHeldBy(transport);

        for (let id = 1; id <= REQUESTS; id++) {
            const answer = await transport.handleRequest(
                post({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'x' } }, 'session')
            );
            expect(await answer.json()).toMatchObject({ id, result: { content: [] } });
        }

        expect(entriesHeldBy(transport)).toBeLessThanOrEqual(before);
    });
});

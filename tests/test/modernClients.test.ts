import { createServer } from 'node:http';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { createSessionHandler } from '@modelcontextprotocol/sdk/server/sessionHandler.js';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

/** What docs/modern-clients.md says. */
describe('a client of the SDK’s v2 packages', () => {
    const handler = createSessionHandler(() => {
        const server = new McpServer({ name: 'test', version: '1.0.0' });
        server.registerTool('greet', {}, () => ({ content: [{ type: 'text', text: 'hello' }] }));
        return server;
    });
    const seen: [revision: string | string[] | undefined, status: number][] = [];
    const http = createServer((req, res) => {
        res.once('finish', () => seen.push([req.headers['mcp-protocol-version'], res.statusCode]));
        void handler.handleRequest(req, res);
    });
    let url: URL;

    beforeAll(async () => {
        await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve));
        const address = http.address();
        url = new URL(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/mcp`);
    });

    beforeEach(() => {
        seen.length = 0;
    });

    afterAll(async () => {
        await handler.close();
        http.close();
    });

    test.each([
        ['as it is', {}, [undefined, 200]],
        ['that asks for the new revision first', { versionNegotiation: { mode: 'auto' as const } }, ['2026-07-28', 400]]
    ])('%s works with sessions of 2025-11-25', async (_, options, first) => {
        const client = new Client({ name: 'test', version: '1.0.0' }, options);
        const transport = new StreamableHTTPClientTransport(url);
        await client.connect(transport);
        expect(await client.callTool({ name: 'greet' })).toMatchObject({ content: [{ text: 'hello' }] });
        expect(client.getNegotiatedProtocolVersion()).toBe('2025-11-25');
        expect(transport.sessionId).toBeDefined();
        expect(seen[0]).toEqual(first);
        await client.close();
    });

    test('that insists on the new revision is told that it is not offered', async () => {
        const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
        await expect(client.connect(new StreamableHTTPClientTransport(url))).rejects.toThrow(/did not offer pinned protocol version/);
        expect(seen).toEqual([['2026-07-28', 400]]);
    });
});

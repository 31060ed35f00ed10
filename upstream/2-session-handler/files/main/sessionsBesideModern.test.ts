import { CLIENT_CAPABILITIES_META_KEY, CLIENT_INFO_META_KEY, PROTOCOL_VERSION_META_KEY } from '@modelcontextprotocol/core-internal';
import { expect, it } from 'vitest';

import type { McpHandlerRequestOptions } from '../../src/index';
import { createMcpHandler, createSessionHandler, isLegacyRequest, McpServer } from '../../src/index';

const clientInfo = { name: 'test', version: '1.0.0' };

function buildServer(): McpServer {
    const server = new McpServer({ name: 'test', version: '1.0.0' });
    server.registerTool('era', { description: 'Tells whether the client has a session' }, ({ sessionId, http }) => ({
        content: [{ type: 'text', text: JSON.stringify([typeof sessionId, http?.req?.headers.get('x-from')]) }]
    }));
    return server;
}

const sessions = createSessionHandler(() => buildServer());
const modern = createMcpHandler(() => buildServer(), { legacy: 'reject' });

async function route(request: Request, options?: McpHandlerRequestOptions): Promise<Response> {
    const handler = (await isLegacyRequest(request, options?.parsedBody)) ? sessions : modern;
    return handler.fetch(request, options);
}

function post(message: object, headers: Record<string, string>, parsed: boolean): Promise<Response> {
    const body = { jsonrpc: '2.0', ...message };
    const init = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', 'x-from': 'test', ...headers };
    const request = new Request('http://localhost/mcp', { method: 'POST', headers: init, body: JSON.stringify(body) });
    return route(request, parsed ? { parsedBody: body } : undefined);
}

it.each([true, false])('one endpoint serves sessions and clients without (body parsed before: %s)', async parsed => {
    const initialize = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
    const begun = await post({ id: 0, method: 'initialize', params: initialize }, {}, parsed);
    const sessionId = begun.headers.get('mcp-session-id');
    expect(await begun.text()).toContain('"protocolVersion":"2025-11-25"');
    const session = { 'mcp-session-id': String(sessionId), 'mcp-protocol-version': '2025-11-25' };
    expect((await post({ method: 'notifications/initialized' }, session, parsed)).status).toBe(202);
    const call = { id: 1, method: 'tools/call', params: { name: 'era', arguments: {} } };
    expect(await (await post(call, session, parsed)).text()).toContain(String.raw`[\"string\",\"test\"]`);

    const _meta = {
        [PROTOCOL_VERSION_META_KEY]: '2026-07-28',
        [CLIENT_INFO_META_KEY]: clientInfo,
        [CLIENT_CAPABILITIES_META_KEY]: {}
    };
    const standard = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'era' };
    const answer = await post({ ...call, params: { ...call.params, _meta } }, standard, parsed);
    expect(await answer.text()).toContain(String.raw`[\"undefined\",\"test\"]`);
    expect(sessions.liveSessions).toBeGreaterThan(0);

    const removed = await route(new Request('http://localhost/mcp', { method: 'DELETE', headers: session }));
    expect(removed.status).toBe(200);
});

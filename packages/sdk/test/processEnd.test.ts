import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/** Serves a request, closes the handler, and prints what still keeps the process from ending. */
const script = `
    import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
    import { createSessionHandler } from '@modelcontextprotocol/sdk/server/sessionHandler.js';
    const handler = createSessionHandler(() => new McpServer({ name: 'server', version: '1' }));
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'client', version: '1' } };
    const response = await handler.fetch(new Request('http://server.invalid/mcp', {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params })
    }));
    await response.text();
    await handler.close();
    console.log(response.status, process.getActiveResourcesInfo().filter(name => name === 'Timeout').length);
`;

test('a closed handler leaves no timer that keeps the process from ending', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
        cwd: new URL('..', import.meta.url).pathname
    });
    expect(stdout.trim()).toBe('200 0');
});

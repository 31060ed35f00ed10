/**
 * Serves sessions with modules that the caller has loaded, be it as ES modules or as CommonJS, in the workspace or in a project that
 * installed the package. Plain JavaScript that imports nothing but Node, so that it works everywhere.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

/**
 * @typedef {object} SdkModules
 * @property {typeof import('@modelcontextprotocol/sdk/client/index.js')} client
 * @property {typeof import('@modelcontextprotocol/sdk/client/streamableHttp.js')} clientTransport
 * @property {typeof import('@modelcontextprotocol/sdk/server/mcp.js')} server
 * @property {typeof import('@modelcontextprotocol/sdk/server/streamableHttp.js')} serverTransport
 * @property {typeof import('@modelcontextprotocol/sdk/server/sessionHandler.js')} sessionHandler
 * @property {typeof import('@modelcontextprotocol/sdk/server/inMemoryTransportStore.js')} inMemoryStore
 */

/** @typedef {import('@modelcontextprotocol/sdk/server/transportStore.js').TransportStore} TransportStore */

/** @param {SdkModules} modules */
function makeServer({ server: { McpServer } }) {
    const server = new McpServer({ name: 'smoke', version: '1.0.0' });
    server.registerTool('greet', { description: 'Greets' }, () => ({ content: [{ type: 'text', text: 'hello' }] }));
    return server;
}

/**
 * Calls the tool twice in one session of a server at a free port of this machine.
 *
 * @param {SdkModules} modules
 * @param {import('node:http').RequestListener} listener
 */
async function useSession({ client: { Client }, clientTransport: { StreamableHTTPClientTransport } }, listener) {
    const http = createServer(listener).listen(0, '127.0.0.1');
    await once(http, 'listening');
    const address = http.address();
    assert(address !== null && typeof address === 'object');

    const client = new Client({ name: 'smoke', version: '1.0.0' });
    try {
        const transport = new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${address.port}/mcp`));
        await client.connect(transport);
        assert.equal(typeof transport.sessionId, 'string');
        for (let call = 0; call < 2; call++) {
            const result = await client.callTool({ name: 'greet', arguments: {} });
            assert.deepEqual(result.content, [{ type: 'text', text: 'hello' }]);
        }
    } finally {
        await client.close();
        http.closeAllConnections();
        http.close();
    }
}

/**
 * Serves a session as one does with the unmodified SDK.
 *
 * @param {SdkModules} modules
 */
export async function serveOnTransport(modules) {
    const server = makeServer(modules);
    const transport = new modules.serverTransport.StreamableHTTPServerTransport({ sessionIdGenerator: randomUUID });
    await server.connect(transport);
    try {
        await useSession(modules, (request, response) => void transport.handleRequest(request, response));
    } finally {
        await server.close();
    }
}

/**
 * Serves a session on two nodes that share a store; every request goes to the other one than the request before.
 *
 * @param {SdkModules} modules
 * @param {TransportStore} store
 */
export async function serveOnTwoNodes(modules, store) {
    const nodes = [1, 2].map(() => modules.sessionHandler.createSessionHandler(() => makeServer(modules), { store }));
    let requests = 0;
    try {
        await useSession(modules, (request, response) => void nodes[requests++ % nodes.length]?.handleRequest(request, response));
        assert(requests > nodes.length);
    } finally {
        await Promise.all(nodes.map(node => node.close()));
    }
}

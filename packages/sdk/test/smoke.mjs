/**
 * Uses the built package on the Node that runs this script: `node packages/sdk/test/smoke.mjs`.
 *
 * Plain JavaScript, and without the test runner, because both have to work on every Node that the package supports.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const require = createRequire(import.meta.url);

/** What a session needs, as one of the two module systems loads it. */
const imported = {
    client: await import('@modelcontextprotocol/sdk/client/index.js'),
    clientTransport: await import('@modelcontextprotocol/sdk/client/streamableHttp.js'),
    server: await import('@modelcontextprotocol/sdk/server/mcp.js'),
    serverTransport: await import('@modelcontextprotocol/sdk/server/streamableHttp.js')
};

/** @type {typeof imported} */
const required = {
    client: require('@modelcontextprotocol/sdk/client/index.js'),
    clientTransport: require('@modelcontextprotocol/sdk/client/streamableHttp.js'),
    server: require('@modelcontextprotocol/sdk/server/mcp.js'),
    serverTransport: require('@modelcontextprotocol/sdk/server/streamableHttp.js')
};

/**
 * A session over HTTP.
 *
 * @param {typeof imported} modules
 */
async function serveSession({
    client: { Client },
    clientTransport: { StreamableHTTPClientTransport },
    server: { McpServer },
    serverTransport: { StreamableHTTPServerTransport }
}) {
    const server = new McpServer({ name: 'smoke', version: '1.0.0' });
    server.registerTool('greet', { description: 'Greets' }, () => ({ content: [{ type: 'text', text: 'hello' }] }));
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: randomUUID });
    await server.connect(transport);

    const http = createServer((request, response) => void transport.handleRequest(request, response)).listen(0, '127.0.0.1');
    await once(http, 'listening');
    const address = http.address();
    assert(address !== null && typeof address === 'object');

    const client = new Client({ name: 'smoke', version: '1.0.0' });
    try {
        await client.connect(new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${address.port}/mcp`)));
        const result = await client.callTool({ name: 'greet', arguments: {} });
        assert.deepEqual(result.content, [{ type: 'text', text: 'hello' }]);
    } finally {
        await client.close();
        await server.close();
        http.closeAllConnections();
        http.close();
    }
}

const facts = await promisify(execFile)(process.execPath, [fileURLToPath(new URL('support/module-facts.mjs', import.meta.url))], {
    maxBuffer: 64 * 1024 * 1024
});
/** @type {import('./support/module-facts.mjs').Facts} */
const { modules: names, resolutions, esm, cjs, cjsFromEsm } = JSON.parse(facts.stdout);
assert.deepEqual(
    resolutions.filter(({ fork, upstream }) => fork !== upstream),
    []
);
for (const { subpath, upstreamNames, forkNames } of [...esm, ...cjs, ...cjsFromEsm]) {
    assert.deepEqual(
        upstreamNames.filter(name => !forkNames.includes(name)),
        [],
        subpath
    );
}
console.log(`Node ${process.version}: ${names.length} modules export what upstream exports`);

for (const [kind, modules] of Object.entries({ import: imported, require: required })) {
    await serveSession(modules);
    console.log(`Node ${process.version}: served a session with modules from ${kind}`);
}

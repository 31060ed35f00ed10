/**
 * Uses the built package on the Node that runs this script: `node packages/sdk/test/smoke.mjs`.
 *
 * Plain JavaScript, and without the test runner, because both have to work on every Node that the package supports.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { serveOnTransport, serveOnTwoNodes } from './support/sessionSmoke.mjs';

const require = createRequire(import.meta.url);

/** @typedef {import('./support/sessionSmoke.mjs').SdkModules} SdkModules */

/** @type {SdkModules} */
const imported = {
    client: await import('@modelcontextprotocol/sdk/client/index.js'),
    clientTransport: await import('@modelcontextprotocol/sdk/client/streamableHttp.js'),
    server: await import('@modelcontextprotocol/sdk/server/mcp.js'),
    serverTransport: await import('@modelcontextprotocol/sdk/server/streamableHttp.js'),
    sessionHandler: await import('@modelcontextprotocol/sdk/server/sessionHandler.js'),
    inMemoryStore: await import('@modelcontextprotocol/sdk/server/inMemoryTransportStore.js')
};

/** @type {SdkModules} */
const required = {
    client: require('@modelcontextprotocol/sdk/client/index.js'),
    clientTransport: require('@modelcontextprotocol/sdk/client/streamableHttp.js'),
    server: require('@modelcontextprotocol/sdk/server/mcp.js'),
    serverTransport: require('@modelcontextprotocol/sdk/server/streamableHttp.js'),
    sessionHandler: require('@modelcontextprotocol/sdk/server/sessionHandler.js'),
    inMemoryStore: require('@modelcontextprotocol/sdk/server/inMemoryTransportStore.js')
};

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
    await serveOnTransport(modules);
    console.log(`Node ${process.version}: served a session with modules from ${kind}`);
    await serveOnTwoNodes(modules, new modules.inMemoryStore.InMemoryTransportStore());
    console.log(`Node ${process.version}: served a session on two nodes with modules from ${kind}`);
}

/** Runs a server of somebody else, a package that depends on the SDK, and checks that it runs on what this project has installed. */
import assert from 'node:assert/strict';
import { subscribe } from 'node:diagnostics_channel';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';

const require = createRequire(import.meta.url);
const sessionHandler = '@modelcontextprotocol/sdk/server/sessionHandler.js';
const fromThirdParty = createRequire(require.resolve('@modelcontextprotocol/server-everything/package.json'));
assert.equal(fromThirdParty.resolve(sessionHandler), require.resolve(sessionHandler));

/** Requests that the class which this project imports has handled for the other package. */
let handled = 0;
const { handleRequest } = StreamableHTTPServerTransport.prototype;
StreamableHTTPServerTransport.prototype.handleRequest = function (...args) {
    handled++;
    return handleRequest.apply(this, args);
};

/** @type {Promise<number>} */
const listening = new Promise(resolve => {
    subscribe('tracing:net.server.listen:asyncEnd', message => {
        const { server } = /** @type {{ server: import('node:net').Server }} */ (message);
        const address = server.address();
        assert(address !== null && typeof address === 'object');
        resolve(address.port);
    });
});
// Any free port.
process.env.PORT = '0';
await import(pathToFileURL(fromThirdParty.resolve('./dist/transports/streamableHttp.js')).href);

const client = new Client({ name: 'consumer', version: '1.0.0' });
await client.connect(new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${await listening}/mcp`)));
const { content } = await client.callTool({ name: 'echo', arguments: { message: 'hello' } });
assert.deepEqual(content, [{ type: 'text', text: 'Echo: hello' }]);
await client.close();
assert(handled > 0, 'the other package uses another class of that name');
console.log('the other package was served by this fork');
// The other package's server would go on.
process.exit();

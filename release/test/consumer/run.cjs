/** Uses what was installed, as CommonJS. */
const modules = {
    client: require('@modelcontextprotocol/sdk/client/index.js'),
    clientTransport: require('@modelcontextprotocol/sdk/client/streamableHttp.js'),
    server: require('@modelcontextprotocol/sdk/server/mcp.js'),
    serverTransport: require('@modelcontextprotocol/sdk/server/streamableHttp.js'),
    sessionHandler: require('@modelcontextprotocol/sdk/server/sessionHandler.js'),
    inMemoryStore: require('@modelcontextprotocol/sdk/server/inMemoryTransportStore.js')
};
const sqlite = require('@modelcontextprotocol/transport-store-sqlite');
const redis = require('@modelcontextprotocol/transport-store-redis');

void import('./useInstalled.mjs').then(({ useInstalled }) => useInstalled(modules, sqlite, redis));

/** Uses what was installed, as ES modules. */
import { useInstalled } from './useInstalled.mjs';

await useInstalled(
    {
        client: await import('@modelcontextprotocol/sdk/client/index.js'),
        clientTransport: await import('@modelcontextprotocol/sdk/client/streamableHttp.js'),
        server: await import('@modelcontextprotocol/sdk/server/mcp.js'),
        serverTransport: await import('@modelcontextprotocol/sdk/server/streamableHttp.js'),
        sessionHandler: await import('@modelcontextprotocol/sdk/server/sessionHandler.js'),
        inMemoryStore: await import('@modelcontextprotocol/sdk/server/inMemoryTransportStore.js')
    },
    await import('@modelcontextprotocol/transport-store-sqlite'),
    await import('@modelcontextprotocol/transport-store-redis')
);

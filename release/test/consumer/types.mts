import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { createSessionHandler, type SessionHandler } from '@modelcontextprotocol/sdk/server/sessionHandler.js';
import { RedisTransportStore } from '@modelcontextprotocol/transport-store-redis';
import { SqliteTransportStore } from '@modelcontextprotocol/transport-store-sqlite';
import { createClient } from 'redis';

const stores = [new SqliteTransportStore(':memory:'), new RedisTransportStore(createClient())];

export const handlers: SessionHandler[] = stores.map(store =>
    createSessionHandler(({ sessionId }) => new McpServer({ name: sessionId, version: '1.0.0' }), { store })
);

// Types that could not be found would be `any`, which accepts everything.
// @ts-expect-error A store is needed.
createSessionHandler(() => new McpServer({ name: 'one', version: '1.0.0' }), { store: 1 });
// @ts-expect-error A location is needed.
new SqliteTransportStore(1);
// @ts-expect-error A client is needed.
new RedisTransportStore(1);

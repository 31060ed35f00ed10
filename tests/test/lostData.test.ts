import { once } from 'node:events';
import { createServer } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { createSessionHandler } from '@modelcontextprotocol/sdk/server/sessionHandler.js';
import { RedisTransportStore } from '@modelcontextprotocol/transport-store-redis';
import { createClient } from 'redis';
import { expect, onTestFinished, test } from 'vitest';
import { findRedis } from '../../packages/transport-store-redis/test/support/redisServer.ts';
import { begin, call } from './support/mcpRequests.ts';

test('a store that has lost its data: the session is 404, though a copy lives, and the client can begin a new one', async () => {
    const redis = await findRedis();
    onTestFinished(() => redis.dispose());
    const client = createClient({ url: redis.url });
    await client.connect();
    onTestFinished(() => client.close());
    const keyPrefix = 'lost-data';
    const handler = createSessionHandler(
        () => {
            const server = new McpServer({ name: 'test', version: '1.0.0' });
            server.registerTool('greet', {}, () => ({ content: [{ type: 'text', text: 'hello' }] }));
            return server;
        },
        { store: new RedisTransportStore(client, { keyPrefix }) }
    );
    onTestFinished(() => handler.close());
    const http = createServer((req, res) => void handler.handleRequest(req, res)).listen(0, '127.0.0.1');
    onTestFinished(() => void http.close());
    await once(http, 'listening');
    const address = http.address();
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/mcp`;

    const session = await begin(url);
    expect((await call(url, session, 'greet')).status).toBe(200);

    await client.del(await client.keys(`${keyPrefix}*`));
    expect((await call(url, session, 'greet')).status).toBe(404);
    const next = await begin(url);
    expect((await call(url, next, 'greet')).status).toBe(200);
});

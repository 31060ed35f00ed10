import { hostname } from 'node:os';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { createSessionHandler } from '@modelcontextprotocol/sdk/server/sessionHandler.js';
import { RedisTransportStore } from '@modelcontextprotocol/transport-store-redis';
import express from 'express';
import { createClient } from 'redis';
import { z } from 'zod';

const { PORT = '3000', REDIS_URL = 'redis://localhost:6379', NODE_NAME = hostname() } = process.env;

const redis = createClient({
    url: REDIS_URL,
    disableOfflineQueue: true,
    pingInterval: 5_000,
    socket: { socketTimeout: 15_000, reconnectStrategy: retries => Math.min(50 * 2 ** retries, 1_000) }
});
redis.on('error', (error: Error) => console.error('Redis:', error.message));
await redis.connect();

/** The server of one session. Every replica makes one for itself when it meets the session. */
function buildServer(): McpServer {
    const server = new McpServer({ name: 'express-redis-example', version: '1.0.0' });
    server.registerTool('where', { description: 'Tells which replica answers' }, () => text(NODE_NAME));
    server.registerTool(
        'order',
        { description: 'Asks the user before it does something', inputSchema: { item: z.string() } },
        async ({ item }) => {
            // The user's answer may reach any replica; it comes back to this one.
            const { action } = await server.server.elicitInput({
                message: `Order ${item}?`,
                requestedSchema: { type: 'object', properties: {} }
            });
            return text(action === 'accept' ? `${NODE_NAME} has ordered ${item}` : 'Nothing was ordered');
        }
    );
    return server;
}

const handler = createSessionHandler(buildServer, {
    store: new RedisTransportStore(redis),
    onerror: error => console.error(error)
});

const app = express();
app.all('/mcp', express.json(), (req, res) => handler.handleRequest(req, res, req.body));
/** For load balancers: whether requests should be sent here. */
app.get('/readyz', async (_req, res) => {
    res.sendStatus((await handler.isReady()) ? 200 : 503);
});
/** For whoever restarts processes: it does not ask Redis, whose absence no restart would mend. */
app.get('/livez', (_req, res) => {
    res.sendStatus(200);
});
const http = app.listen(Number(PORT), () => console.log(`${NODE_NAME} listens on port ${PORT}`));

process.once('SIGTERM', () => void stop());

async function stop(): Promise<void> {
    // New connections are refused from here on, and the load balancer goes elsewhere with them.
    http.close();
    await handler.close({ deadlineMs: 20_000 });
    await redis.close();
}

function text(value: string): { content: { type: 'text'; text: string }[] } {
    return { content: [{ type: 'text', text: value }] };
}

import { serve } from '@hono/node-server';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { createSessionHandler } from '@modelcontextprotocol/sdk/server/sessionHandler.js';
import { SqliteTransportStore } from '@modelcontextprotocol/transport-store-sqlite';
import { Hono } from 'hono';

const { PORT = '3000', SESSIONS = 'sessions.db' } = process.env;

const store = new SqliteTransportStore(SESSIONS);
const handler = createSessionHandler(
    ({ sessionId, restored }) => {
        const server = new McpServer({ name: 'hono-sqlite-example', version: '1.0.0' });
        server.registerTool('where', { description: 'Tells which process answers' }, () => ({
            content: [{ type: 'text', text: `${process.pid} ${restored ? 'goes on with' : 'has begun'} ${sessionId}` }]
        }));
        return server;
    },
    { store, onerror: error => console.error(error) }
);

const app = new Hono();
app.all('/mcp', c => handler.fetch(c.req.raw));
app.get('/readyz', async c => c.text('', (await handler.isReady()) ? 200 : 503));
const http = serve({ fetch: app.fetch, port: Number(PORT) }, ({ port }) => console.log(`${process.pid} listens on port ${port}`));

process.once('SIGTERM', () => {
    http.close();
    void handler.close().then(() => store.close());
});

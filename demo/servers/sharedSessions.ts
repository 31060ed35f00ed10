/** One of several processes that serve the same sessions, which they share in a SQLite file. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { createSessionHandler } from '@modelcontextprotocol/sdk/server/sessionHandler.js';
import { SqliteTransportStore } from '@modelcontextprotocol/transport-store-sqlite';
import { node, serve } from './serve.ts';
import { addTools } from './tools.ts';

const store = new SqliteTransportStore(process.env['DEMO_STORE'] ?? ':memory:');

const handler = createSessionHandler(
    () => {
        const server = new McpServer({ name: 'demo', version: '1.0.0' }, { capabilities: { logging: {} } });
        addTools(server, node);
        return server;
    },
    {
        store,
        // A third of the default, so that the others notice the death of a node sooner, and whoever watches need not wait.
        nodeLeaseMs: 2_000,
        onerror: error => console.error(`${node}:`, error)
    }
);

serve(
    (req, res) => handler.handleRequest(req, res),
    async () => {
        await handler.close();
        await store.close();
    }
);

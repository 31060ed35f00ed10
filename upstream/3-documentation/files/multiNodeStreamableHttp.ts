/**
 * One MCP session on two nodes.
 *
 * Both listen in this process, so that an in-memory store is enough; nodes in processes of their own share a store that is a server or a
 * file. Every request of a session may go to either port.
 */
import { createServer } from 'node:http';
import { InMemoryTransportStore } from '../../server/inMemoryTransportStore.js';
import { McpServer } from '../../server/mcp.js';
import { createSessionHandler } from '../../server/sessionHandler.js';

const store = new InMemoryTransportStore();
const ports = [3001, 3002];

for (const port of ports) {
    const handler = createSessionHandler(
        ({ sessionId, restored }) => {
            const server = new McpServer({ name: 'multi-node-example', version: '1.0.0' });
            server.registerTool('where', { description: 'Tells which node answers' }, () => ({
                content: [{ type: 'text', text: `Session ${sessionId}, ${restored ? 'restored' : 'begun'} on port ${port}` }]
            }));
            return server;
        },
        { store, onerror: error => console.error(error) }
    );

    const http = createServer((req, res) => {
        if (req.url === '/mcp') {
            void handler.handleRequest(req, res);
        } else if (req.url === '/ready') {
            void handler.isReady().then(ready => res.writeHead(ready ? 200 : 503).end());
        } else {
            res.writeHead(404).end();
        }
    });
    http.listen(port, '127.0.0.1', () => console.log(`Node on http://127.0.0.1:${port}/mcp`));

    process.once('SIGTERM', () => void handler.close().then(() => http.close()));
    process.once('SIGINT', () => void handler.close().then(() => process.exit()));
}

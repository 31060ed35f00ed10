import { randomUUID } from 'node:crypto';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport, type RestoredSession } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express from 'express';
import { Sessions } from './sessions.ts';

const { PORT = '3000', DATABASE = 'application.db' } = process.env;

const sessions = new Sessions(DATABASE);
/** Transports of this process; what is not here may be in the database. */
const transports = new Map<string, Promise<StreamableHTTPServerTransport>>();

async function connect(restoredSession?: RestoredSession): Promise<StreamableHTTPServerTransport> {
    const transport = new StreamableHTTPServerTransport({
        ...(restoredSession ? { restoredSession } : { sessionIdGenerator: () => randomUUID() }),
        onsessioninitialized: (id, session) => {
            sessions.put(session);
            transports.set(id, Promise.resolve(transport));
        },
        onsessionchanged: (_id, session) => sessions.put(session),
        onsessionclosed: id => {
            sessions.remove(id);
            transports.delete(id);
        }
    });
    const server = new McpServer({ name: 'own-database-example', version: '1.0.0' });
    server.registerTool('whoami', { description: 'Tells what the server knows of its client' }, () => ({
        content: [{ type: 'text', text: `${server.server.getClientVersion()?.name}, ${process.pid}` }]
    }));
    await server.connect(transport);
    return transport;
}

/** The transport of a session, restored at most once, however many requests wait for it. */
function transportOf(sessionId: string): Promise<StreamableHTTPServerTransport> | undefined {
    const known = transports.get(sessionId);
    const stored = known ? undefined : sessions.find(sessionId);
    if (stored === undefined) {
        return known;
    }
    const restored = connect(stored);
    transports.set(sessionId, restored);
    // Whatever went wrong can be tried again.
    restored.catch(() => transports.delete(sessionId));
    return restored;
}

const app = express();
app.all('/mcp', express.json(), async (req, res) => {
    const sessionId = req.header('mcp-session-id');
    const transport = await (sessionId === undefined ? connect() : transportOf(sessionId));
    if (transport === undefined) {
        res.status(404).json({ jsonrpc: '2.0', error: { code: -32001, message: 'Session not found' }, id: null });
    } else {
        await transport.handleRequest(req, res, req.body);
    }
});
app.listen(Number(PORT), () => console.log(`${process.pid} listens on port ${PORT}`));

/**
 * A server on mcp-use with its sessions in Redis, as its documentation says. Told what to do as `serverProcess.ts` is.
 * Nothing checks the types of this file, since the workspace does not install what it depends on: `MCP_USE_FOLDER` says where that is.
 */
import { createRequire } from 'node:module';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';

/** How often a port that refuses is tried again, in milliseconds. */
const LOOK_MS = 20;

const require = createRequire(path.join(process.env.MCP_USE_FOLDER, 'package.json'));
const { MCPServer, RedisSessionStore, RedisStreamManager } = require('mcp-use/server');
const { createClient } = require('redis');
const { z } = require('zod');

const client = createClient({ url: JSON.parse(process.env.BENCH_SERVER).storeUrl });
const pubSubClient = client.duplicate();
for (const connection of [client, pubSubClient]) {
    connection.on('error', error => console.error(error));
    await connection.connect();
}

const host = '127.0.0.1';
const server = new MCPServer({
    name: 'bench',
    version: '1.0.0',
    host,
    sessionStore: new RedisSessionStore({ client }),
    streamManager: new RedisStreamManager({ client, pubSubClient })
});
server.tool({ name: 'echo', description: 'Returns its text', schema: z.object({ text: z.string() }) }, ({ text }) => ({
    content: [{ type: 'text', text }]
}));

process.on('message', ({ kind }) => {
    if (kind === 'usage') {
        const { user, system } = process.cpuUsage();
        process.send({ kind, cpuUs: user + system });
    } else if (kind === 'stop') {
        process.exit(0);
    }
});

// The bench has ended in some other way than by stopping this.
process.on('disconnect', () => process.exit(1));

// It has no way to ask for a port that is free.
const port = await new Promise(resolve => {
    const probe = createServer();
    probe.listen(0, host, () => {
        const address = probe.address();
        probe.close(() => resolve(address.port));
    });
});
await server.listen(port);
await reachable();
process.send({ kind: 'listening', port });

/** It says that it listens before it does. */
async function reachable() {
    const socket = connect(port, host);
    try {
        await once(socket, 'connect');
    } catch {
        await delay(LOOK_MS);
        await reachable();
    } finally {
        socket.destroy();
    }
}

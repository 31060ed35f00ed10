/**
 * The fixture server on mcp-use, with its sessions in Redis as its documentation says (RedisSessionStore and RedisStreamManager).
 *
 * What its interface for tools does not offer is left out: there are no abort signals, no event ids, and authorization is OAuth only.
 * Messages of a session are sent as its documentation says, by `sendNotificationToSession`, which other nodes take part in.
 * Nothing checks the types of this file, since the workspace does not install what it depends on.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { MCPServer, RedisSessionStore, RedisStreamManager } from 'mcp-use/server';
import { createClient } from 'redis';
import { z } from 'zod';

const { PORT = '3000', HOST = '0.0.0.0', NODE_ID = 'local', STORE_URL = '', SESSION_TTL_MS } = process.env;
const exitMs = 10_000;

/** A connection over which nothing comes for so long, though a ping is sent every second, has failed, and all that waits on it. */
const socketTimeout = 5_000;

const redis = createClient({ url: STORE_URL, disableOfflineQueue: true, pingInterval: 1_000, socket: { socketTimeout } });
const subscriber = redis.duplicate({ disableOfflineQueue: false });
for (const client of [redis, subscriber]) {
    client.on('error', error => console.error('Redis:', error.message));
    await client.connect();
}

const server = new MCPServer({
    name: 'session-conformance-fixture',
    version: '1.0.0',
    host: HOST,
    allowedOrigins: ['http://localhost', 'http://127.0.0.1'],
    sessionStore: new RedisSessionStore({
        client: redis,
        ...(SESSION_TTL_MS ? { defaultTTL: Math.ceil(Number(SESSION_TTL_MS) / 1000) } : {})
    }),
    streamManager: new RedisStreamManager({ client: redis, pubSubClient: subscriber }),
    ...(SESSION_TTL_MS ? { sessionIdleTimeoutMs: Number(SESSION_TTL_MS) } : {})
});

let draining = false;

server.app.use('*', async (context, next) => {
    if (context.req.path === '/healthz') {
        return context.text(draining || !redis.isReady ? 'not ready\n' : 'ready\n', draining || !redis.isReady ? 503 : 200);
    }
    if (draining) {
        return context.json({ jsonrpc: '2.0', error: { code: -32000, message: 'Shutting down' }, id: null }, 503);
    }
    await next();
    context.header('x-node-id', NODE_ID);
});

const text = content => ({ content: [{ type: 'text', text: content }] });
const json = content => text(JSON.stringify(content));

server.tool({ name: 'whoami', description: 'Tells what this node knows of the session', schema: z.object({}) }, (_, ctx) => {
    const sessionId = ctx.session?.sessionId ?? null;
    const { name, version } = ctx.client.info();
    return json({
        node: NODE_ID,
        sessionId,
        clientInfo: name === undefined ? null : { name, version },
        clientCapabilities: ctx.client.capabilities(),
        principal: null,
        logLevel: server.sessions.get(sessionId)?.logLevel ?? null
    });
});

server.tool(
    {
        name: 'sleep',
        description: 'Takes a while, reporting its progress if asked to',
        schema: z.object({ ms: z.number().int().min(0), steps: z.number().int().min(0).default(0) })
    },
    async ({ ms, steps }, ctx) => {
        const start = performance.now();
        const sleepUntil = elapsed => delay(Math.max(0, start + elapsed - performance.now()));
        for (let step = 1; ctx.reportProgress !== undefined && step <= steps; step++) {
            await sleepUntil((step * ms) / steps);
            await ctx.reportProgress(step, steps);
        }
        await sleepUntil(ms);
        return text(`slept ${ms} on ${NODE_ID}`);
    }
);

server.tool(
    {
        name: 'ask',
        description: 'Asks the client something and returns its answer',
        schema: z.object({
            kind: z.enum(['elicitation', 'sampling', 'roots']),
            text: z.string().default(''),
            timeoutMs: z.number().int().positive().default(10_000)
        })
    },
    async ({ kind, text: message, timeoutMs }, ctx) => {
        try {
            return json({ node: NODE_ID, answer: await question(kind, message, timeoutMs, ctx) });
        } catch (error) {
            return { ...json({ node: NODE_ID, error: { code: error.code, message: error.message } }), isError: true };
        }
    }
);

function question(kind, message, timeout, ctx) {
    switch (kind) {
        case 'elicitation': {
            const requestedSchema = { type: 'object', properties: { value: { type: 'string' } }, required: ['value'] };
            return ctx.elicit({ message, requestedSchema, mode: 'form' }, { timeout });
        }
        case 'sampling':
            return ctx.sample({ messages: [{ role: 'user', content: { type: 'text', text: message } }], maxTokens: 100 }, { timeout });
        default:
            return server.listRoots(ctx.session.sessionId).then(roots => ({ roots }));
    }
}

server.tool(
    {
        name: 'announce',
        description: 'Logs messages that belong to no request',
        schema: z.object({ text: z.string(), count: z.number().int().min(0).default(1) })
    },
    async ({ text: message, count }, ctx) => {
        const { sessionId } = ctx.session;
        const { logLevel } = server.sessions.get(sessionId) ?? {};
        for (let i = 0; i < count && (logLevel === undefined || ['debug', 'info'].includes(logLevel)); i++) {
            const params = { level: 'info', data: { text: message, i, node: NODE_ID } };
            await server.sendNotificationToSession(sessionId, 'notifications/message', params);
        }
        return text('announced');
    }
);

server.tool({ name: 'aborted', description: 'Would tell which sleep calls were aborted', schema: z.object({}) }, () =>
    json({ node: NODE_ID, requestIds: [] })
);

await server.listen(Number(PORT));

process.once('SIGTERM', async () => {
    draining = true;
    await Promise.race([server.close(), delay(exitMs)]);
    process.exit(0);
});

/** Code of others around and within the session handler: what it does wrong costs one request, not the process. */
import type { ServerResponse } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import {
    createSessionHandler,
    type SessionHandlerOptions,
    type TransportFactory
} from '@modelcontextprotocol/sdk/server/sessionHandler.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { afterEach, describe, expect, test } from 'vitest';
import { get, initializeMessage, listen, messagesOf, post, toolCall } from './support/streamableHttpFaces.js';

const cleanups: (() => Promise<void>)[] = [];
const errors: Error[] = [];
/** Called after each request was handed over, before anything is answered. */
let interfere: (res: ServerResponse) => void = () => undefined;
/** Called by tools before they answer. */
let oncall = (): void => undefined;

afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) {
        await cleanup();
    }
    errors.length = 0;
    stopInterfering();
});

function stopInterfering(): void {
    interfere = () => undefined;
    oncall = () => undefined;
}

function buildServer(): McpServer {
    const server = new McpServer({ name: 'test', version: '1.0.0' }, { capabilities: { logging: {} } });
    server.registerTool('at-once', { description: 'Answers at once' }, () => {
        oncall();
        return { content: [{ type: 'text', text: 'done' }] };
    });
    server.registerTool('later', { description: 'Answers after a turn of the event loop' }, async () => {
        oncall();
        await new Promise(resolve => setImmediate(resolve));
        return { content: [{ type: 'text', text: 'done' }] };
    });
    server.registerTool(
        'talks',
        { description: 'Says something before and after a turn of the event loop' },
        async ({ sendNotification }) => {
            const say = (data: string) => sendNotification({ method: 'notifications/message', params: { level: 'info', data } });
            await say('before');
            await new Promise(resolve => setImmediate(resolve));
            oncall();
            await say('after');
            return { content: [{ type: 'text', text: 'done' }] };
        }
    );
    return server;
}

interface Running {
    readonly url: string;
    readonly sessionId: string;
}

async function startHandler(options: SessionHandlerOptions, factory: TransportFactory = buildServer): Promise<Running> {
    const handler = createSessionHandler(factory, { ...options, onerror: error => errors.push(error) });
    cleanups.push(() => handler.close({ deadlineMs: 100 }));
    return begin((req, res) => handler.handleRequest(req, res));
}

async function startTransport(): Promise<Running> {
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => 'a-session' });
    await buildServer().connect(transport);
    return begin((req, res) => transport.handleRequest(req, res));
}

async function begin(handle: StreamableHTTPServerTransport['handleRequest']): Promise<Running> {
    const { url, close } = await listen(async (req, res) => {
        const handled = handle(req, res);
        interfere(res);
        await handled;
    });
    cleanups.push(close);
    const response = await fetch(url, post(initializeMessage()));
    await response.text();
    return { url, sessionId: response.headers.get('mcp-session-id') ?? '' };
}

const starts = [
    { what: 'the session handler', start: () => startHandler({}) },
    { what: 'the session handler, not resumable', start: () => startHandler({ resumable: false }) },
    { what: 'the session handler, with JSON answers', start: () => startHandler({ enableJsonResponse: true }) },
    { what: 'the transport', start: () => startTransport() }
];

/** Sends a request that something else is to answer. */
async function expectTooLate(url: string, request: RequestInit): Promise<void> {
    const response = await fetch(url, request);
    expect([response.status, await response.text()]).toEqual([504, 'Too late']);
}

/** The session has taken no harm, and the id of the call before is free again. */
async function expectToGoOn({ url, sessionId }: Running): Promise<void> {
    stopInterfering();
    const messages = await messagesOf(await fetch(url, post(toolCall(1, 'at-once'), sessionId)));
    expect(messages).toMatchObject([{ id: 1, result: { content: [{ text: 'done' }] } }]);
    expect(errors).toEqual([]);
}

describe.each(starts)('middleware that answers in place of $what', ({ start }) => {
    test.each(['at-once', 'later'])('a call that is answered %s', async tool => {
        const running = await start();
        interfere = res => res.writeHead(504).end('Too late');
        await expectTooLate(running.url, post(toolCall(1, tool), running.sessionId));
        await expectToGoOn(running);
    });

    test.each(['at-once', 'later'])('a call that is answered %s, while it runs', async tool => {
        const running = await start();
        interfere = res => {
            oncall = () => res.writeHead(504).end('Too late');
        };
        await expectTooLate(running.url, post(toolCall(1, tool), running.sessionId));
        await expectToGoOn(running);
    });

    test('a call whose answer has begun', async () => {
        const running = await start();
        interfere = res => {
            oncall = () => res.end();
        };
        await fetch(running.url, post(toolCall(1, 'talks'), running.sessionId)).then(response => response.text());
        await expectToGoOn(running);
    });

    test('a stream', async () => {
        const running = await start();
        interfere = res => res.writeHead(504).end('Too late');
        await expectTooLate(running.url, get(running.sessionId));
        await expectToGoOn(running);
    });
});

describe.each([{ enableJsonResponse: false }, { enableJsonResponse: true }])('a server that throws what it should answer %o', options => {
    test('fails the request, and no other', async () => {
        const running = await startHandler(options, async ({ transport }) => {
            const server = buildServer();
            await server.connect(transport);
            const { onmessage } = transport;
            transport.onmessage = (message, extra) => {
                if ('params' in message && message.params?.['name'] === 'no-such-tool') {
                    throw new Error('The server is at its wits end');
                }
                onmessage?.(message, extra);
            };
            return server;
        });
        const ask = async (name: string) => messagesOf(await fetch(running.url, post(toolCall(1, name), running.sessionId)));
        expect(await ask('no-such-tool')).toMatchObject([{ id: 1, error: { code: -32603 } }]);
        expect(errors).toMatchObject([{ message: 'The server is at its wits end' }]);
        // Its id is free again.
        expect(await ask('at-once')).toMatchObject([{ id: 1, result: { content: [{ text: 'done' }] } }]);
    });
});

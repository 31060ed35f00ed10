/** An answer that is there without waiting for anything costs little more as an event stream than as JSON. */
import { createHook } from 'node:async_hooks';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { createSessionHandler } from '@modelcontextprotocol/sdk/server/sessionHandler.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { afterEach, expect, test } from 'vitest';
import { initializeMessage, listen } from './support/streamableHttpFaces.js';

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) {
        await cleanup();
    }
});

function buildServer(): McpServer {
    const server = new McpServer({ name: 'test', version: '1.0.0' });
    server.registerTool('at-once', { description: 'Answers at once' }, () => ({ content: [{ type: 'text', text: 'done' }] }));
    server.registerTool('later', { description: 'Answers after a turn of the event loop' }, async () => {
        await new Promise(resolve => setImmediate(resolve));
        return { content: [{ type: 'text', text: 'done' }] };
    });
    return server;
}

/** Addresses of a server on the session handler, and of one on the transport. */
async function start(face: string): Promise<string> {
    if (face === 'session handler') {
        const handler = createSessionHandler(buildServer, { resumable: false });
        cleanups.push(() => handler.close());
        const { url, close } = await listen((req, res) => handler.handleRequest(req, res));
        cleanups.push(close);
        return url;
    }
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => 'a-session' });
    await buildServer().connect(transport);
    const { url, close } = await listen((req, res) => transport.handleRequest(req, res));
    cleanups.push(close);
    return url;
}

/** A client that does nothing of its own in the event loop. */
class RawClient {
    private readonly socket: Socket;
    private readonly headers: string[];

    private constructor(socket: Socket, host: string) {
        this.socket = socket.setEncoding('utf8');
        this.headers = [`host: ${host}`, 'content-type: application/json', 'accept: application/json, text/event-stream'];
    }

    static async begin(url: string): Promise<RawClient> {
        const { hostname, port, host } = new URL(url);
        const socket = connect(Number(port), hostname);
        await once(socket, 'connect');
        cleanups.push(async () => {
            socket.destroy();
            await once(socket, 'close');
        });
        const client = new RawClient(socket, host);
        const answer = await client.post(initializeMessage());
        client.headers.push(`mcp-session-id: ${/^mcp-session-id: (.*)$/im.exec(answer)?.[1] ?? ''}`);
        return client;
    }

    /** @returns the answer, its headers included. */
    async post(message: object): Promise<string> {
        const body = JSON.stringify(message);
        this.socket.write(['POST /mcp HTTP/1.1', ...this.headers, `content-length: ${body.length}`, '', body].join('\r\n'));
        let answer = '';
        while (!answer.endsWith('}\n\n') && !answer.endsWith('\r\n0\r\n\r\n')) {
            answer += await new Promise<string>(resolve => {
                this.socket.once('data', data => resolve(String(data)));
            });
        }
        return answer;
    }

    call(name: string): Promise<string> {
        return this.post({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {} } });
    }
}

/** How many turns of the event loop were asked for while something was done. */
async function turnsAskedFor(action: () => Promise<unknown>): Promise<number> {
    let turns = 0;
    const hook = createHook({
        init: (_id, type) => {
            turns += type === 'Immediate' ? 1 : 0;
        }
    });
    hook.enable();
    try {
        await action();
    } finally {
        hook.disable();
    }
    return turns;
}

const faces = ['session handler', 'transport'];

test.each(faces)('is a plain response that asks for no turn of the event loop [%s]', async face => {
    const client = await RawClient.begin(await start(face));
    await client.call('at-once');
    let answer = '';
    const turns = await turnsAskedFor(async () => {
        answer = await client.call('at-once');
    });
    expect(answer).toMatch(/^content-type: text\/event-stream/im);
    expect(answer).toMatch(/^content-length: \d+/im);
    expect(answer).not.toMatch(/^transfer-encoding/im);
    expect(answer).toContain('event: message\ndata: {');
    expect(turns).toBe(0);
});

test.each(faces)('is a stream if it takes longer [%s]', async face => {
    const client = await RawClient.begin(await start(face));
    let answer = '';
    const turns = await turnsAskedFor(async () => {
        answer = await client.call('later');
    });
    expect(answer).toMatch(/^transfer-encoding: chunked/im);
    expect(answer).toContain('event: message\ndata: {');
    expect(turns).toBe(1);
});

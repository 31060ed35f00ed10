/** What is particular to the transport on Node's own requests and responses. */
import { request, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import {
    StreamableHTTPServerTransport,
    type StreamableHTTPServerTransportOptions
} from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { isJSONRPCRequest } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test } from 'vitest';
import { initialize, initializeMessage, listen, messagesOf, post } from './support/streamableHttpFaces.js';

const sessionIdGenerator = () => 'a-session';
const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };

type Handle = (transport: StreamableHTTPServerTransport, req: IncomingMessage, res: ServerResponse) => Promise<void>;
const handleDirectly: Handle = (transport, req, res) => transport.handleRequest(req, res);

/** A transport that answers every request, behind a server on a port. */
async function open(options: StreamableHTTPServerTransportOptions, handle: Handle = handleDirectly) {
    const transport = new StreamableHTTPServerTransport(options);
    transport.onmessage = message => {
        if (isJSONRPCRequest(message)) {
            void transport.send({ jsonrpc: '2.0', id: message.id, result: {} });
        }
    };
    await transport.start();
    const { port, url, close } = await listen((req, res) => handle(transport, req, res));
    const send = (init: RequestInit) => fetch(url, init);
    return { transport, port, url, request: send, [Symbol.asyncDispose]: close };
}

/** Status of the answer to a request that is written by hand. */
async function statusOf(port: number, requestText: string): Promise<number> {
    const socket = connect(port, '127.0.0.1');
    socket.end(requestText);
    return Number((await text(socket)).split(' ')[1]);
}

describe('handleRequest', () => {
    test('resolves when the answer is complete', async () => {
        const seen: string[] = [];
        await using endpoint = await open({ sessionIdGenerator }, async (transport, req, res) => {
            res.on('finish', () => seen.push(`${req.method} finished`));
            await transport.handleRequest(req, res);
            seen.push(`${req.method} handled`);
        });
        await initialize(endpoint);
        endpoint.transport.onmessage = () => undefined;
        const answer = await endpoint.request(post(ping, 'a-session'));
        expect(answer.status).toBe(200);
        seen.length = 0;
        await endpoint.transport.send({ jsonrpc: '2.0', id: 1, result: {} });
        await messagesOf(answer);
        expect(seen).toEqual(['POST handled', 'POST finished']);
    });

    test('resolves when the client of an event stream goes away', async () => {
        let handled: (() => void) | undefined;
        const gone = new Promise<void>(resolve => {
            handled = resolve;
        });
        await using endpoint = await open({ sessionIdGenerator }, async (transport, req, res) => {
            await transport.handleRequest(req, res);
            if (req.method === 'GET') {
                handled?.();
            }
        });
        await initialize(endpoint);
        const abort = new AbortController();
        const headers = { accept: 'text/event-stream', 'mcp-session-id': 'a-session' };
        expect((await fetch(endpoint.url, { headers, signal: abort.signal })).status).toBe(200);
        abort.abort();
        await gone;
    });

    test('keeps the headers that middleware has set', async () => {
        await using endpoint = await open({ sessionIdGenerator }, (transport, req, res) => {
            res.setHeader('Access-Control-Expose-Headers', 'Mcp-Session-Id');
            return transport.handleRequest(req, res);
        });
        const response = await endpoint.request(post(initializeMessage()));
        expect(response.headers.get('access-control-expose-headers')).toBe('Mcp-Session-Id');
        expect(response.headers.get('mcp-session-id')).toBe('a-session');
    });

    test('answers 500 when a transport without sessions is used twice', async () => {
        await using endpoint = await open({});
        const first = await endpoint.request(post(ping));
        expect(first.status).toBe(200);
        expect(first.headers.has('mcp-session-id')).toBe(false);
        expect((await endpoint.request(post(ping))).status).toBe(500);
    });

    test('answers 500 when onsessionclosed fails, and closes the session all the same', async () => {
        await using endpoint = await open({ sessionIdGenerator, onsessionclosed: () => Promise.reject(new Error('registry down')) });
        await initialize(endpoint);
        const headers = { 'mcp-session-id': 'a-session' };
        expect((await endpoint.request({ method: 'DELETE', headers })).status).toBe(500);
        expect((await endpoint.request({ method: 'DELETE', headers })).status).toBe(404);
    });
});

describe('a request body', () => {
    test('of a declared size above the bound is refused', async () => {
        await using endpoint = await open({ sessionIdGenerator, maxRequestBodySize: 100 });
        const response = await endpoint.request(post({ ...ping, params: { padding: 'x'.repeat(100) } }));
        expect(response.status).toBe(413);
        expect(await response.json()).toEqual({
            jsonrpc: '2.0',
            error: { code: -32000, message: 'Payload Too Large: Request body must not exceed 100 bytes' },
            id: null
        });
    });

    test('that turns out to be above the bound is refused, and its sender sees that', async () => {
        await using endpoint = await open({ sessionIdGenerator, maxRequestBodySize: 100 });
        const sending = request(endpoint.url, {
            method: 'POST',
            headers: { accept: 'application/json, text/event-stream', 'content-type': 'application/json' }
        });
        const answered = new Promise<IncomingMessage>((resolve, reject) => sending.on('response', resolve).on('error', reject));
        for (let part = 0; part < 64; part++) {
            sending.write('x'.repeat(64 * 1024));
        }
        const answer = await answered;
        sending.end();
        expect(answer.statusCode).toBe(413);
        answer.resume();
    });

    test('that is refused and never completed does not hold its connection', async () => {
        await using endpoint = await open({ sessionIdGenerator, maxRequestBodySize: 100 });
        const socket = connect(endpoint.port, '127.0.0.1');
        socket.write(
            'POST /mcp HTTP/1.1\r\nHost: a\r\nAccept: application/json, text/event-stream\r\n' +
                'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\nx'
        );
        // Ends when the server closes the connection, as the client does not.
        expect(await text(socket)).toMatch(/^HTTP\/1.1 413 /);
    });

    test('that other middleware has used up is no JSON, and nobody waits for it', async () => {
        await using endpoint = await open({ sessionIdGenerator }, async (transport, req, res) => {
            await text(req);
            await transport.handleRequest(req, res);
        });
        expect((await endpoint.request(post(initializeMessage()))).status).toBe(400);
    });

    test('that other middleware has parsed is not read', async () => {
        await using endpoint = await open({ sessionIdGenerator }, async (transport, req, res) => {
            const body: unknown = JSON.parse(await text(req));
            await transport.handleRequest(req, res, body);
        });
        expect((await endpoint.request(post(initializeMessage()))).status).toBe(200);
    });

    test('that the platform has kept is used', async () => {
        await using endpoint = await open({ sessionIdGenerator }, async (transport, req, res) => {
            Object.assign(req, { rawBody: Buffer.from(await text(req)) });
            await transport.handleRequest(req, res);
        });
        expect((await endpoint.request(post(initializeMessage()))).status).toBe(200);
    });

    test('that is decoded by the request already is read as it is', async () => {
        await using endpoint = await open({ sessionIdGenerator, enableJsonResponse: true }, (transport, req, res) => {
            req.setEncoding('utf8');
            return transport.handleRequest(req, res);
        });
        expect((await endpoint.request(post(initializeMessage()))).status).toBe(200);
    });
});

describe('a request', () => {
    const rest = 'Accept: text/event-stream\r\nMcp-Session-Id: a-session\r\nConnection: close\r\n\r\n';

    test.each([
        ['a host that is none', `GET /mcp HTTP/1.1\r\nHost: a/b\r\n${rest}`],
        ['an empty host', `GET /mcp HTTP/1.1\r\nHost: \r\n${rest}`],
        ['no host', `GET /mcp HTTP/1.0\r\n${rest}`],
        ['a target that is no path', `OPTIONS * HTTP/1.1\r\nHost: a\r\n${rest}`],
        ['a backslash in its path', `GET /a\\b HTTP/1.1\r\nHost: a\r\n${rest}`]
    ])('with %s is refused with 400', async (_what, requestText) => {
        await using endpoint = await open({ sessionIdGenerator });
        await initialize(endpoint);
        expect(await statusOf(endpoint.port, requestText)).toBe(400);
    });

    test('with two content types is refused, as nobody knows which counts', async () => {
        await using endpoint = await open({ sessionIdGenerator });
        const body = JSON.stringify(initializeMessage());
        const head = (types: string) =>
            `POST /mcp HTTP/1.1\r\nHost: a\r\nAccept: application/json, text/event-stream\r\n${types}` +
            `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
        const json = 'Content-Type: application/json\r\n';
        expect(await statusOf(endpoint.port, head(`${json}Content-Type: text/plain\r\n`))).toBe(415);
        expect(await statusOf(endpoint.port, head(json))).toBe(200);
    });

    test('of a method that Node knows and the protocol does not is refused with 405', async () => {
        await using endpoint = await open({ sessionIdGenerator });
        expect(await statusOf(endpoint.port, `TRACE /mcp HTTP/1.1\r\nHost: a\r\n${rest}`)).toBe(405);
    });

    test('nested thousands of levels deep is refused with 400', async () => {
        await using endpoint = await open({ sessionIdGenerator });
        await initialize(endpoint);
        const body = `${'['.repeat(5000)}${']'.repeat(5000)}`;
        expect((await endpoint.request({ ...post(ping, 'a-session'), body })).status).toBe(400);
    });
});

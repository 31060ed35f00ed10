import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { faces, type TestNode } from './support/cluster.ts';
import { WireAnswer, begin, callTool, initializeMessage, isFinal, post, toolResult } from './support/mcpRequests.ts';
import { describeOnStores, memoryOnly } from './support/watchedNodes.ts';

interface WebRequest {
    readonly method?: string;
    readonly session?: string | undefined;
    readonly headers?: Record<string, string>;
    readonly body?: object | ReadableStream;
}

function webRequest({ method = 'POST', session, headers, body }: WebRequest): Request {
    const all = new Headers({ accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-11-25', ...headers });
    if (session !== undefined) {
        all.set('mcp-session-id', session);
    }
    if (body === undefined) {
        return new Request('https://example.org/mcp?x=1', { method, headers: all });
    }
    all.set('content-type', 'application/json');
    const init = body instanceof ReadableStream ? { body, duplex: 'half' as const } : { body: JSON.stringify(body) };
    return new Request('https://example.org/mcp?x=1', { method, headers: all, ...init });
}

/** The answer of a handler, read as it comes. */
async function answerOf(response: Promise<Response>): Promise<WireAnswer> {
    const { status, headers, body } = await response;
    return new WireAnswer(status, Object.fromEntries(headers), body === null ? Readable.from([]) : Readable.fromWeb(body));
}

function fetchFrom({ handler }: TestNode, request: WebRequest): Promise<WireAnswer> {
    const { fetch } = handler;
    return answerOf(fetch(webRequest(request)));
}

async function beginByFetch(node: TestNode): Promise<string> {
    const answer = await fetchFrom(node, { body: initializeMessage() });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ id: 0, result: { serverInfo: { name: 'test-server' } } });
    const session = answer.header('mcp-session-id') ?? '';
    const confirmed = await fetchFrom(node, { session, body: { jsonrpc: '2.0', method: 'notifications/initialized' } });
    expect(confirmed.status).toBe(202);
    return session;
}

function tool(name: string, args: object = {}, id: string | number = 1, meta: object = {}): object {
    return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args, ...meta } };
}

describeOnStores('Web face: a session served by fetch', start => {
    test('begins at one node, goes on at others, and ends at any', async () => {
        const { nodes } = await start();
        const [a, b, c] = nodes;
        const session = await beginByFetch(a);
        const stream = await fetchFrom(c, { method: 'GET', session });
        expect(stream.status).toBe(200);
        expect(stream.header('content-type')).toBe('text/event-stream');
        for (const node of nodes) {
            const answer = await fetchFrom(node, { session, body: tool('whoami') });
            expect(answer.status).toBe(200);
            expect(toolResult(await answer.message(isFinal))).toMatchObject({ node: node.name, sessionId: session });
        }
        await (await fetchFrom(b, { session, body: tool('announce', { text: 'hello' }) })).ended();
        expect((await stream.message()).params).toMatchObject({ data: { text: 'hello', node: 'node-2' } });
        expect((await fetchFrom(b, { method: 'DELETE', session })).status).toBe(200);
        await stream.ended();
        for (const node of nodes) {
            expect((await fetchFrom(node, { session, body: tool('whoami') })).status).toBe(404);
        }
    });

    test('and one that is served by both faces', async () => {
        const { nodes, urls } = await start();
        const session = await begin(urls[0]);
        const answer = await fetchFrom(nodes[1], { session, body: tool('whoami') });
        expect(toolResult(await answer.message(isFinal))).toMatchObject({ node: 'node-2' });
        const other = await beginByFetch(nodes[2]);
        expect(await callTool(urls[0], other, 'whoami')).toMatchObject({ node: 'node-1' });
    });
});

describeOnStores(
    'Web face: event streams',
    start => {
        test('events come while the call runs', async () => {
            const { nodes, cluster } = await start();
            const session = await beginByFetch(nodes[0]);
            const body = tool('progress', { steps: 3, gate: 'half', pauseAt: 2 }, 'p', { _meta: { progressToken: 'token' } });
            const answer = await fetchFrom(nodes[1], { session, body });
            expect((await answer.message()).params).toMatchObject({ progress: 1 });
            expect((await answer.message()).params).toMatchObject({ progress: 2 });
            await cluster.gates.arrival('half');
            cluster.gates.open('half');
            expect((await answer.message()).params).toMatchObject({ progress: 3 });
            expect(await answer.message(isFinal)).toMatchObject({ id: 'p', result: {} });
            await answer.ended();
        });

        test('a client that cancels the body of a call can resume it elsewhere', async () => {
            const { nodes, cluster } = await start();
            const session = await beginByFetch(nodes[0]);
            const response = await nodes[0].handler.fetch(webRequest({ session, body: tool('hold', { gate: 'go' }, 'held') }));
            const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
            const eventId = /id: (\S+)/.exec((await reader?.read())?.value ?? '')?.[1] ?? '';
            await cluster.gates.arrival('go');
            await reader?.cancel();
            const resumed = await fetchFrom(nodes[1], { method: 'GET', session, headers: { 'last-event-id': eventId } });
            expect(resumed.status).toBe(200);
            cluster.gates.open('go');
            expect(await resumed.message(isFinal)).toMatchObject({ id: 'held', result: {} });
            await resumed.ended();
            expect(nodes[0].log.aborted).toEqual([]);
        });

        test('a client that cancels the body of its standalone stream gives its place up, and the copy with it', async () => {
            const { nodes, stores } = await start({ liveSessionIdleMs: 1 });
            const session = await beginByFetch(nodes[0]);
            const response = await nodes[1].handler.fetch(webRequest({ method: 'GET', session }));
            expect(nodes[1].handler.liveSessions).toBe(1);
            const isReleased = stores[1].next('streams.release');
            await response.body?.cancel();
            expect((await isReleased).args[0]).toBe(session);
            await nodes[1].event(event => event.type === 'session.evicted' && event.sessionId === session);
            expect(nodes[1].handler.liveSessions).toBe(0);
        });

        test('a body that is not read does not keep others waiting', async () => {
            const { nodes } = await start();
            const session = await beginByFetch(nodes[0]);
            const unread = await nodes[0].handler.fetch(webRequest({ session, body: tool('big', { size: 100_000 }, 'unread') }));
            const answer = await fetchFrom(nodes[0], { session, body: tool('whoami', {}, 'read') });
            expect(await answer.message(isFinal)).toMatchObject({ id: 'read' });
            expect(await (await answerOf(Promise.resolve(unread))).message(isFinal)).toMatchObject({ id: 'unread' });
        });
    },
    memoryOnly
);

describeOnStores(
    'Web face: what callers have done already',
    start => {
        test('a body that was parsed is taken as it is, and that of the request is not touched', async () => {
            const { nodes } = await start();
            const session = await beginByFetch(nodes[0]);
            const request = webRequest({ session, body: tool('whoami', {}, 'in the request') });
            expect(await request.text()).toContain('in the request');
            const answer = await answerOf(nodes[1].handler.handleWebRequest(request, { parsedBody: tool('whoami', {}, 'parsed') }));
            expect(await answer.message(isFinal)).toMatchObject({ id: 'parsed', result: {} });
        });

        test.each([null, 0, '', false, [], [null], {}, 'text'])('a parsed body of %j is no request', async parsedBody => {
            const { nodes } = await start();
            const session = await beginByFetch(nodes[0]);
            const request = webRequest({ session, headers: { 'content-type': 'application/json' } });
            const answer = await nodes[0].handler.handleWebRequest(request, { parsedBody });
            expect(answer.status).toBe(Array.isArray(parsedBody) && parsedBody.length === 0 ? 202 : 400);
        });

        test('a token that was verified', async () => {
            const { nodes } = await start();
            const authInfo = { token: 'secret', clientId: 'ada', scopes: [] };
            const begun = await nodes[0].handler.handleWebRequest(webRequest({ body: initializeMessage() }), { authInfo });
            const session = begun.headers.get('mcp-session-id') ?? '';
            expect((await fetchFrom(nodes[1], { session, body: tool('whoami') })).status).toBe(404);
            const answer = await answerOf(nodes[1].handler.handleWebRequest(webRequest({ session, body: tool('whoami') }), { authInfo }));
            expect(toolResult(await answer.message(isFinal))).toMatchObject({ principal: 'ada' });
        });

        test('a body that comes in pieces, split within characters, or fails', async () => {
            const { nodes } = await start();
            const session = await beginByFetch(nodes[0]);
            const bytes = new TextEncoder().encode(JSON.stringify(tool('whoami', { text: 'ü💥' }, 'ü💥')));
            const pieces = Array.from(bytes, byte => Uint8Array.of(byte));
            const answer = await fetchFrom(nodes[0], { session, body: ReadableStream.from(pieces) });
            expect(await answer.message(isFinal)).toMatchObject({ id: 'ü💥' });
            const failing = new ReadableStream({
                pull: controller => controller.error(new Error('The connection broke'))
            });
            expect((await fetchFrom(nodes[0], { session, body: failing })).status).toBe(400);
            expect((await fetchFrom(nodes[0], { session, headers: { 'content-type': 'application/json' } })).status).toBe(400);
        });
    },
    memoryOnly
);

describeOnStores(
    'Both faces read bodies alike',
    start => {
        test.each(faces)('one that begins with a byte order mark, as upstream lets it [%s]', async face => {
            const { urls } = await start({ face });
            const session = await begin(urls[0]);
            const answer = await post(urls[0], `\ufeff${JSON.stringify(tool('whoami'))}`, { session });
            expect(toolResult(await answer.message(isFinal))).toMatchObject({ node: 'node-1' });
        });

        test.each(faces)('one that is not UTF-8 [%s]', async face => {
            const { nodes } = await start({ face });
            const body = Buffer.from(JSON.stringify(tool('whoami', {}, 'x-y')).replace('-', '\xe9'), 'latin1');
            const session = await begin(nodes[0].url);
            const headers = {
                'content-type': 'application/json',
                accept: 'application/json, text/event-stream',
                'mcp-session-id': session
            };
            const response = await fetch(nodes[0].url, { method: 'POST', headers, body });
            expect(await response.text()).toContain('"id":"x\ufffdy"');
        });
    },
    memoryOnly
);

describe('Node face: behind a framework that parses bodies', () => {
    const servers: { close(): unknown; closeAllConnections(): void }[] = [];

    afterEach(() => {
        servers.splice(0).forEach(server => {
            server.closeAllConnections();
            server.close();
        });
    });

    /** Reads bodies before the handler sees the request, as `express.json()` and `express.text()` do. */
    async function serveParsed({ handler }: TestNode, parse: (body: string, req: IncomingMessage) => unknown): Promise<string> {
        const server = createServer((req, res) => {
            void text(req).then(body => handler.handleRequest(req, res, req.method === 'POST' ? parse(body, req) : undefined));
        });
        servers.push(server);
        await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
        const address: AddressInfo | string | null = server.address();
        return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/mcp`;
    }

    describeOnStores(
        'any node',
        start => {
            test('a body that was parsed is taken', async () => {
                const { nodes, urls } = await start();
                const url = await serveParsed(nodes[1], body => JSON.parse(body) as unknown);
                const session = await begin(urls[0], { at: url });
                expect(await callTool(url, session, 'whoami')).toMatchObject({ node: 'node-2' });
                const there = await begin(url);
                expect(await callTool(urls[2], there, 'whoami')).toMatchObject({ node: 'node-3' });
            });

            test('one that was read but not handed over is missing', async () => {
                const { nodes, urls } = await start();
                const url = await serveParsed(nodes[1], () => undefined);
                const session = await begin(urls[0]);
                const answer = await post(url, tool('whoami'), { session });
                expect(answer.status).toBe(400);
                expect(await answer.json()).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32700 } });
            });
        },
        memoryOnly
    );
});

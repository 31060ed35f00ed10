import { connect } from 'node:net';
import { request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { faces, type Face } from './support/cluster.ts';
import {
    begin,
    call,
    callTool,
    del,
    get,
    initializeMessage,
    isFinal,
    post,
    toolResult,
    type RequestOptions,
    type WireAnswer
} from './support/mcpRequests.ts';
import { describeOnStores, memoryOnly } from './support/watchedNodes.ts';

interface BadRequest {
    readonly what: string;
    readonly send: (url: string, session: string) => Promise<WireAnswer>;
    readonly status: number;
    readonly code: number;
}

const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };

function posting(what: string, body: object | string, status: number, code: number, options: RequestOptions = {}): BadRequest {
    return { what, send: (url, session) => post(url, body, { ...options, session }), status, code };
}

function withHeaders(what: string, headers: Record<string, string | undefined>, status: number): BadRequest {
    return posting(what, ping, status, -32000, { headers });
}

const headerFaults: BadRequest[] = [
    withHeaders('POST of text', { 'content-type': 'text/plain' }, 415),
    withHeaders('POST of something like JSON', { 'content-type': 'application/json-seq' }, 415),
    withHeaders('POST of a media type that only contains the right one', { 'content-type': 'text/plain; x=application/json' }, 415),
    withHeaders('POST without a media type', { 'content-type': '' }, 415),
    withHeaders('POST that accepts no event stream', { accept: 'application/json' }, 406),
    withHeaders('POST that accepts no JSON', { accept: 'text/event-stream' }, 406),
    withHeaders('POST that accepts anything', { accept: '*/*' }, 406),
    withHeaders('POST that does not say what it accepts', { accept: undefined }, 406),
    ...[
        { what: 'no event stream', accept: 'application/json' },
        { what: 'anything', accept: '*/*' },
        { what: 'nothing that it tells', accept: undefined }
    ].map(({ what, accept }): BadRequest => ({
        what: `GET that accepts ${what}`,
        send: (url, session) => get(url, { session, headers: { accept } }),
        status: 406,
        code: -32000
    })),
    ...['1999-01-01', '2025-11-25, 2025-06-18', 'latest', ''].flatMap((version): BadRequest[] => [
        posting(`POST in version "${version}"`, ping, 400, -32000, { version }),
        { what: `GET in version "${version}"`, send: (url, session) => get(url, { session, version }), status: 400, code: -32000 },
        { what: `DELETE in version "${version}"`, send: (url, session) => del(url, { session, version }), status: 400, code: -32000 }
    ])
];

const notJson = [
    '',
    ' ',
    '{',
    '}',
    '{"jsonrpc":"2.0","id":1,"method":"ping"',
    "{'a':1}",
    'undefined',
    'NaN',
    '[1,]',
    '{"a":1}{"a":1}',
    '\u0000'
];

const notJsonRpc: unknown[] = [
    1,
    'text',
    true,
    null,
    {},
    [[]],
    [1],
    { id: 1, method: 'ping' },
    { jsonrpc: '1.0', id: 1, method: 'ping' },
    { jsonrpc: 2.0, id: 1, method: 'ping' },
    { jsonrpc: '2.0' },
    { jsonrpc: '2.0', id: 1 },
    { jsonrpc: '2.0', id: null, method: 'ping' },
    { jsonrpc: '2.0', id: 1.5, method: 'ping' },
    { jsonrpc: '2.0', id: {}, method: 'ping' },
    { jsonrpc: '2.0', id: true, method: 'ping' },
    { jsonrpc: '2.0', id: 1, method: 7 },
    { jsonrpc: '2.0', id: 1, method: 'ping', params: 'none' },
    { jsonrpc: '2.0', id: 1, method: 'ping', params: [1] },
    { jsonrpc: '2.0', id: 1, method: 'ping', params: null },
    { jsonrpc: '2.0', id: 1, method: 'ping', extra: 1 },
    { jsonrpc: '2.0', id: 1, result: 'none' },
    { jsonrpc: '2.0', id: 1, error: 'none' },
    { jsonrpc: '2.0', id: 1, error: { code: 'x', message: 'm' } },
    [ping, {}],
    [{ jsonrpc: '2.0', method: 'notifications/initialized' }, null]
];

const bodyFaults: BadRequest[] = [
    ...notJson.map(body => posting(`POST of ${JSON.stringify(body)}`, body, 400, -32700)),
    ...notJsonRpc.map(body => posting(`POST of ${JSON.stringify(body)}`, JSON.stringify(body), 400, -32700)),
    posting('two requests with one id in a batch', [ping, { ...ping, method: 'tools/list' }], 400, -32600)
];

/** Sends a request with any method, and reads the whole answer. */
function sendAs(
    method: string,
    url: string,
    session: string
): Promise<{ status: number | undefined; allow: string | undefined; body: string }> {
    return new Promise((resolve, reject) => {
        const request = httpRequest(url, { method, headers: { 'mcp-session-id': session, accept: 'application/json, text/event-stream' } });
        request.on('error', reject);
        request.on('response', response => {
            let body = '';
            response.setEncoding('utf8').on('data', (text: string) => (body += text));
            response.on('end', () => resolve({ status: response.statusCode, allow: response.headers.allow, body }));
        });
        request.end();
    });
}

describe.each(faces)('Bad input is refused on a node that has never seen the session [%s]', (face: Face) => {
    describeOnStores(
        face,
        start => {
            test('headers that do not fit', async () => {
                await refuses(headerFaults);
            });

            test('bodies that do not fit', async () => {
                await refuses(bodyFaults);
            });

            async function refuses(requests: readonly BadRequest[]): Promise<void> {
                const { urls, nodes, stores } = await start({ face });
                const [a, , c] = urls;
                const session = await begin(a);
                for (const { what, send, status, code } of requests) {
                    const answer = await send(c, session);
                    expect({ what, status: answer.status, body: await answer.json() }).toMatchObject({
                        what,
                        status,
                        body: { jsonrpc: '2.0', id: null, error: { code } }
                    });
                    expect(answer.header('mcp-session-id')).toBeUndefined();
                }
                // None of it costs a store call, or is the server's fault.
                expect(stores[2].calls).toEqual([]);
                expect(nodes[2].errors).toEqual([]);
                expect(nodes[2].log.built).toEqual([]);
                expect(await callTool(c, session, 'whoami')).toMatchObject({ node: 'node-3' });
            }

            test('methods that there are not', async () => {
                const { urls, stores, nodes } = await start({ face });
                const [a, , c] = urls;
                const session = await begin(a);
                // A web-standard Request can not be a TRACE.
                const methods = ['PUT', 'PATCH', 'HEAD', 'OPTIONS', 'PROPFIND', ...(face === 'node' ? ['TRACE'] : [])];
                for (const method of methods) {
                    const { status, allow, body } = await sendAs(method, c, session);
                    expect({ method, status, allow }).toEqual({ method, status: 405, allow: 'GET, POST, DELETE' });
                    if (method !== 'HEAD') {
                        expect(JSON.parse(body)).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32000 } });
                    }
                }
                expect(stores[2].calls).toEqual([]);
                expect(nodes[2].errors).toEqual([]);
                expect(await callTool(c, session, 'whoami')).toMatchObject({ node: 'node-3' });
            });

            test('an initialize without an id, which nobody could answer', async () => {
                const { urls, nodes } = await start({ face });
                const [a, , c] = urls;
                const session = await begin(a);
                for (const options of [{ session }, {}]) {
                    const answer = await post(c, { ...initializeMessage(), id: undefined }, options);
                    expect(answer.status).toBe(400);
                    expect(answer.header('mcp-session-id')).toBeUndefined();
                    expect(await answer.json()).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32600 } });
                }
                expect(nodes[2].log.built).toEqual([]);
            });

            test('a batch of nothing is accepted, as there is nothing to answer, within a session', async () => {
                const { urls } = await start({ face });
                const [a, , c] = urls;
                const session = await begin(a);
                expect((await post(c, [], { session })).status).toBe(202);
                expect((await post(c, [], { session: 'unknown' })).status).toBe(404);
                expect((await post(c, [])).status).toBe(400);
            });

            test('a batch of notifications is accepted, and each is delivered', async () => {
                const { urls, nodes } = await start({ face });
                const [a, , c] = urls;
                const session = await begin(a);
                const notifications = ['notifications/one', 'notifications/two'].map(method => ({ jsonrpc: '2.0', method }));
                const answer = await post(c, notifications, { session });
                expect(answer.status).toBe(202);
                await expect.poll(() => nodes[2].log.notifications).toEqual(['notifications/one', 'notifications/two']);
                await expect.poll(() => nodes[0].log.notifications).toEqual(['notifications/one', 'notifications/two']);
            });

            test('a request with the id of one that is running', async () => {
                const { urls, cluster } = await start({ face });
                const [a, , c] = urls;
                const session = await begin(a);
                for (const id of [7, 'seven', 0, '']) {
                    const gate = `running ${JSON.stringify(id)}`;
                    const held = await call(c, session, 'hold', { gate }, { id });
                    await cluster.gates.arrival(gate);
                    const refused = await call(c, session, 'whoami', {}, { id });
                    expect(refused.status).toBe(400);
                    expect(await refused.json()).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32600 } });
                    expect((await post(c, [ping, { ...ping, id }], { session })).status).toBe(400);
                    // An id is a number or a text: 7 is not "7".
                    const other = typeof id === 'number' ? String(id) : 99;
                    expect(toolResult(await (await call(c, session, 'whoami', {}, { id: other })).message(isFinal))).toMatchObject({
                        node: 'node-3'
                    });
                    cluster.gates.open(gate);
                    expect(await held.message(isFinal)).toMatchObject({ id, result: {} });
                    expect(await (await call(c, session, 'whoami', {}, { id })).message(isFinal)).toMatchObject({ id, result: {} });
                }
            });

            test('what the protocol can refuse is answered by the server', async () => {
                const { urls } = await start({ face });
                const [a, , c] = urls;
                const session = await begin(a);
                const unknown = await post(c, { jsonrpc: '2.0', id: 'u', method: 'no/such/method' }, { session });
                expect(unknown.status).toBe(200);
                expect(await unknown.json()).toMatchObject({ id: 'u', error: { code: -32601 } });
                const wrong = await post(c, { jsonrpc: '2.0', id: 'w', method: 'tools/call', params: { name: 7 } }, { session });
                expect(wrong.status).toBe(200);
                expect(await wrong.json()).toMatchObject({ id: 'w', error: { code: -32603 } });
            });
        },
        memoryOnly
    );
});

describeOnStores(
    'Bad input: requests that name no URL',
    start => {
        const badHosts = ['a b', 'x@y', 'a/b', '[::1', ''];

        test.each(['POST', 'GET', 'DELETE'])('%s', async method => {
            const { urls, nodes, stores } = await start({ face: 'node' });
            const [a, , c] = urls;
            const session = await begin(a);
            for (const host of badHosts) {
                const body = method === 'POST' ? JSON.stringify({ ...ping, method: 'tools/list' }) : '';
                const head = [`${method} /mcp HTTP/1.1`, `host: ${host}`, `mcp-session-id: ${session}`, `content-length: ${body.length}`];
                const types = ['content-type: application/json', 'accept: application/json, text/event-stream', 'connection: close'];
                const answer = await rawAnswer(c, [...head, ...types, '', body].join('\r\n'));
                expect({ host, status: answer.split('\r\n', 1)[0] }).toEqual({ host, status: 'HTTP/1.1 400 Bad Request' });
                expect(answer).toContain('"code":-32000,"message":"Bad Request: ');
            }
            expect(stores[2].calls).toEqual([]);
            expect(nodes[2].errors).toEqual([]);
            expect(await callTool(c, session, 'whoami')).toMatchObject({ node: 'node-3' });
        });
    },
    memoryOnly
);

/** What a server says to a request that HTTP clients would not send. */
function rawAnswer(url: string, request: string): Promise<string> {
    const { hostname, port } = new URL(url);
    return text(connect({ host: hostname, port: Number(port) }).end(request));
}

describeOnStores(
    'Bad input: clients that break off',
    start => {
        test('in the middle of a body', async () => {
            const { urls, nodes, stores } = await start();
            const [a, , c] = urls;
            const session = await begin(a);
            const { hostname, port } = new URL(c);
            const refused = nodes[2].event(event => event.type === 'request.refused');
            const socket = connect({ host: hostname, port: Number(port) });
            const head = ['POST /mcp HTTP/1.1', 'host: x', 'content-type: application/json', 'accept: application/json, text/event-stream'];
            socket.write([...head, `mcp-session-id: ${session}`, 'content-length: 1000', '', '{"jsonrpc":'].join('\r\n'), () =>
                socket.destroy()
            );
            expect(await refused).toMatchObject({ status: 400 });
            expect(stores[2].calls).toEqual([]);
            expect(nodes[2].errors).toEqual([]);
            expect(await callTool(c, session, 'whoami')).toMatchObject({ node: 'node-3' });
        });
    },
    memoryOnly
);

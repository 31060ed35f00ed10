import { request as httpRequest } from 'node:http';
import { InMemoryTransportStore } from '@modelcontextprotocol/sdk/server/inMemoryTransportStore.js';
import { createSessionHandler, type SessionHandlerOptions } from '@modelcontextprotocol/sdk/server/sessionHandler.js';
import { describe, expect, test } from 'vitest';
import { faces } from './support/cluster.ts';
import { begin, call, callTool, get, initializeMessage, post, type WireAnswer } from './support/mcpRequests.ts';
import { buildServer, emptyLog, Gates } from './support/testServer.ts';
import { describeOnStores, memoryOnly } from './support/watchedNodes.ts';

const refusal = { jsonrpc: '2.0', id: null };

/** A request whose JSON has exactly so many bytes. */
function requestOfSize(bytes: number): string {
    const empty = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping', params: { filler: '' } });
    return empty.replace('""', `"${'x'.repeat(bytes - empty.length)}"`);
}

/** Posts a body in pieces, without telling its length. */
async function postInPieces(url: string, session: string, pieces: readonly string[]): Promise<number | undefined> {
    const request = httpRequest(url, {
        method: 'POST',
        headers: {
            'content-type': 'application/json',
            accept: 'application/json, text/event-stream',
            'mcp-session-id': session,
            'transfer-encoding': 'chunked'
        }
    });
    const answered = new Promise<number | undefined>(resolve =>
        request.on('response', response => {
            response.resume();
            resolve(response.statusCode);
        })
    );
    request.on('error', () => undefined);
    for (const piece of pieces) {
        request.write(piece);
        await new Promise(resolve => setImmediate(resolve));
    }
    request.end();
    return answered;
}

describeOnStores(
    'R18: the size of a body is bounded',
    start => {
        const maxRequestBodySize = 2_000;

        test.each(faces)('a body that is larger than maxRequestBodySize is 413, on any node [%s]', async face => {
            const { urls, nodes, stores } = await start({ face, maxRequestBodySize });
            const [a, b] = urls;
            const session = await begin(a);
            expect((await post(b, requestOfSize(maxRequestBodySize), { session })).status).toBe(200);
            const calls = stores[1].calls.length;
            const answer = await post(b, requestOfSize(maxRequestBodySize + 1), { session });
            expect(answer.status).toBe(413);
            expect(await answer.json()).toMatchObject({ ...refusal, error: { code: -32000 } });
            expect((await post(b, requestOfSize(100_000), { session })).status).toBe(413);
            expect((await post(b, requestOfSize(maxRequestBodySize + 1))).status).toBe(413);
            // Bytes count, not characters.
            const umlauts = JSON.stringify({
                jsonrpc: '2.0',
                id: 1,
                method: 'ping',
                params: { filler: 'ü'.repeat(maxRequestBodySize / 2) }
            });
            expect(umlauts.length).toBeLessThan(maxRequestBodySize);
            expect((await post(b, umlauts, { session })).status).toBe(413);
            expect(stores[1].calls).toHaveLength(calls);
            expect(await callTool(b, session, 'whoami')).toMatchObject({ node: 'node-2' });
            expect(nodes[1].errors).toEqual([]);
        });

        test.each(faces)('also one that does not tell its length [%s]', async face => {
            const { urls, stores } = await start({ face, maxRequestBodySize });
            const [a, b] = urls;
            const session = await begin(a);
            const halves = (body: string): string[] => [body.slice(0, 1_000), body.slice(1_000)];
            expect(await postInPieces(b, session, halves(requestOfSize(maxRequestBodySize)))).toBe(200);
            const calls = stores[1].calls.length;
            expect(await postInPieces(b, session, halves(requestOfSize(maxRequestBodySize + 1)))).toBe(413);
            expect(
                await postInPieces(
                    b,
                    session,
                    Array.from({ length: 50 }, () => 'x'.repeat(1_000))
                )
            ).toBe(413);
            expect(stores[1].calls).toHaveLength(calls);
            expect(await callTool(b, session, 'whoami')).toMatchObject({ node: 'node-2' });
        });

        test('4 MiB, if nothing is said', async () => {
            const { urls } = await start();
            const [a, b] = urls;
            const session = await begin(a);
            expect((await post(b, requestOfSize(4 * 1024 * 1024), { session })).status).toBe(200);
            expect((await post(b, requestOfSize(4 * 1024 * 1024 + 1), { session })).status).toBe(413);
        });
    },
    memoryOnly
);

describeOnStores(
    'R18: the length of a batch is bounded',
    start => {
        const pings = (count: number): object[] => Array.from({ length: count }, (_, id) => ({ jsonrpc: '2.0', id, method: 'ping' }));

        test.each([true, false])('100 messages are answered, 101 are 400 (JSON: %o)', async enableJsonResponse => {
            const { urls, stores } = await start({ enableJsonResponse });
            const [a, b] = urls;
            const session = await begin(a);
            const answer = await post(b, pings(100), { session });
            expect(answer.status).toBe(200);
            const events = await answer.all();
            const answered: unknown = enableJsonResponse ? await answer.document() : events.flatMap(({ message }) => message ?? []);
            expect(answered).toEqual(pings(100).map((_, id) => ({ jsonrpc: '2.0', id, result: {} })));
            const calls = stores[1].calls.length;
            const refused = await post(b, pings(101), { session });
            expect(refused.status).toBe(400);
            expect(await refused.json()).toMatchObject({ ...refusal, error: { code: -32600 } });
            expect((await post(b, pings(101))).status).toBe(400);
            expect(
                (
                    await post(
                        b,
                        Array.from({ length: 101 }, () => initializeMessage())
                    )
                ).status
            ).toBe(400);
            expect(stores[1].calls).toHaveLength(calls);
        });

        test('so it is for a body that was parsed before', async () => {
            const { nodes } = await start();
            const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', 'mcp-session-id': 'any' };
            const request = new Request('http://node/mcp', { method: 'POST', headers });
            const answer = await nodes[0].handler.handleWebRequest(request, { parsedBody: pings(101) });
            expect(answer.status).toBe(400);
            expect(await answer.json()).toMatchObject({ ...refusal, error: { code: -32600 } });
        });
    },
    memoryOnly
);

describeOnStores(
    'R18: the depth of a message is bounded',
    start => {
        const objects = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
        const arrays = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
        const initialize = (capabilities: string): string =>
            JSON.stringify(initializeMessage('2025-11-25', { marker: 1 })).replace('{"marker":1}', capabilities);
        /** Messages in which something of the client's choice can be nested. */
        const messages: Record<string, (nested: string) => string> = {
            'nothing but arrays': nested => nested,
            'a call': nested => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","arguments":{"x":${nested}}}}`,
            'an unknown request': nested => `{"jsonrpc":"2.0","id":1,"method":"x/y","params":{"x":${nested}}}`,
            metadata: nested => `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"x":${nested}}}}`,
            'a notification': nested => `{"jsonrpc":"2.0","method":"x/y","params":{"x":${nested}}}`,
            'a cancellation': nested => `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5,"x":${nested}}}`,
            progress: nested =>
                `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"abc.1","progress":1,"x":${nested}}}`,
            initialized: nested => `{"jsonrpc":"2.0","method":"notifications/initialized","params":{"x":${nested}}}`,
            'a level': nested => `{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"info","x":${nested}}}`,
            'a reply': nested => `{"jsonrpc":"2.0","id":"abc.1","result":{"x":${nested}}}`,
            'an error': nested => `{"jsonrpc":"2.0","id":"abc.1","error":{"code":1,"message":"m","data":${nested}}}`,
            'a batch': nested => `[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"x/y","params":{"x":${nested}}}]`
        };

        test.each(faces.flatMap(face => [5_000, 50_000].map(depth => ({ face, depth }))))(
            '$depth levels are 400, whatever the message [$face]',
            async ({ face, depth }) => {
                const { urls, nodes } = await start({ face });
                const [a, b, c] = urls;
                const session = await begin(a, { at: b });
                for (const [what, message] of Object.entries(messages)) {
                    for (const url of [b, c]) {
                        const answer = await post(url, message(arrays(depth)), { session });
                        expect({ what, status: answer.status, body: await answer.json() }).toMatchObject({
                            what,
                            status: 400,
                            body: refusal
                        });
                    }
                }
                const answers: [string, WireAnswer][] = [
                    ['objects', await post(c, messages['a notification']?.(objects(depth)) ?? '', { session })],
                    ['initialize', await post(c, initialize(objects(depth)))],
                    ['initialize with unknown capabilities', await post(c, initialize(`{"x":${arrays(depth)}}`))],
                    ['initialize with experimental capabilities', await post(c, initialize(`{"experimental":{"x":${objects(depth)}}}`))]
                ];
                for (const [what, answer] of answers) {
                    expect({ what, status: answer.status }).toEqual({ what, status: 400 });
                    expect(answer.header('mcp-session-id')).toBeUndefined();
                }
                expect(nodes.flatMap(node => node.errors)).toEqual([]);
                expect(nodes[2].log.built).toEqual([]);
                expect(await callTool(b, session, 'whoami')).toMatchObject({ node: 'node-2' });
            }
        );

        test('900 levels are no problem', async () => {
            const { urls, nodes } = await start();
            const [a, b] = urls;
            const answer = await post(a, initialize(`{"experimental":{"x":${objects(900)}}}`));
            const session = answer.header('mcp-session-id') ?? '';
            for (const url of [a, b]) {
                for (const [what, message] of Object.entries(messages).slice(1)) {
                    const { status } = await post(url, message(arrays(900)), { session });
                    // Nobody waits for the replies.
                    const expected = what === 'a reply' || what === 'an error' ? [410] : [200, 202];
                    expect({ what, status, isExpected: expected.includes(status) }).toMatchObject({ what, isExpected: true });
                }
            }
            expect(await callTool(b, session, 'whoami')).toMatchObject({
                clientCapabilities: { experimental: { x: JSON.parse(objects(900)) as unknown } }
            });
            expect(nodes.flatMap(node => node.errors)).toEqual([]);
        });
    },
    memoryOnly
);

describeOnStores('R18: what is kept for replay is bounded', start => {
    test('of a stream that nobody reads the newest events are kept, and a place that was dropped is refused', async () => {
        const { urls, stores } = await start({ maxEventsPerStream: 50 });
        const [a, b] = urls;
        const session = await begin(a);
        const stream = await get(a, { session, version: '2025-11-25' });
        await callTool(a, session, 'announce', { text: 'first', count: 2 });
        const first = await stream.message();
        stream.disconnect();
        await stores[0].next('streams.release');
        await callTool(a, session, 'announce', { text: 'many', count: 500 });
        const refused = await get(b, { session, lastEventId: first.eventId, version: '2025-11-25' });
        expect(refused.status).toBe(400);
        expect(await refused.json()).toMatchObject({ ...refusal, error: { code: -32000 } });
        const resumed = await get(b, { session, version: '2025-11-25' });
        expect(resumed.status).toBe(200);
        resumed.disconnect();
    });
});

describeOnStores(
    'R18: the length of ids is bounded',
    start => {
        test.each(faces)('a Last-Event-ID of any length or form is 400 [%s]', async face => {
            const { urls, stores } = await start({ face });
            const [a, b] = urls;
            const session = await begin(a);
            const calls = stores[1].calls.length;
            for (const lastEventId of ['x'.repeat(8_000), `${'x'.repeat(65)}.1`, `x.${'1'.repeat(65)}`, '.', 'ü.1', 'no-dot', 'a.b.c']) {
                expect((await get(b, { session, lastEventId })).status).toBe(400);
            }
            expect(stores[1].calls).toHaveLength(calls);
        });

        test('ids of JSON-RPC are bounded by the body alone', async () => {
            const { urls } = await start();
            const session = await begin(urls[0]);
            const id = 'x'.repeat(100_000);
            const answer = await call(urls[1], session, 'whoami', {}, { id, progressToken: id });
            expect(await answer.json()).toMatchObject({ id, result: {} });
        });
    },
    memoryOnly
);

describe('R18: options that bound nothing are refused', () => {
    const names = [
        'sessionTtlMs',
        'maxSessionAgeMs',
        'maxRequestBodySize',
        'maxLiveSessions',
        'liveSessionIdleMs',
        'eventTtlMs',
        'maxEventsPerStream',
        'storeTimeoutMs',
        'nodeLeaseMs'
    ] as const satisfies (keyof SessionHandlerOptions)[];

    test.each(names)('%s', name => {
        for (const value of [0, -1, NaN, Infinity]) {
            expect(() => createSessionHandler(() => Promise.reject(new Error('unused')), { [name]: value })).toThrow(RangeError);
        }
        expect(() => createSessionHandler(() => Promise.reject(new Error('unused')), { [name]: 1_000 })).not.toThrow();
    });
});

test('R18: an inbox that is full is a store that fails, not a message that is lost unseen', async () => {
    const store = new InMemoryTransportStore({ maxInboxMessages: 1 });
    await store.inboxes.join('a-node-that-does-not-read', 60_000);
    const errors: Error[] = [];
    const handler = createSessionHandler(context => buildServer('node', context, emptyLog(), new Gates()), {
        store,
        onerror: error => errors.push(error)
    });
    const send = (body: object, session?: string): Promise<Response> => {
        const headers = new Headers({ 'content-type': 'application/json', accept: 'application/json, text/event-stream' });
        if (session !== undefined) {
            headers.set('mcp-session-id', session);
        }
        return handler.fetch(new Request('http://node/mcp', { method: 'POST', headers, body: JSON.stringify(body) }));
    };
    const session = (await send(initializeMessage())).headers.get('mcp-session-id') ?? '';
    await store.sessions.open(session, { ttlMs: 60_000, node: 'a-node-that-does-not-read' });
    const notification = { jsonrpc: '2.0', method: 'notifications/roots/list_changed' };
    expect((await send(notification, session)).status).toBe(202);
    const refused = await send(notification, session);
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ ...refusal, error: { data: 'STORE_FULL' } });
    expect(errors).toMatchObject([{ code: 'STORE_FULL' }]);
    await handler.close({ deadlineMs: 1 });
});

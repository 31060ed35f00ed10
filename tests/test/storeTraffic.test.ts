import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { InMemoryTransportStore } from '@modelcontextprotocol/sdk/server/inMemoryTransportStore.js';
import { createSessionHandler, type SessionHandler, type SessionHandlerOptions } from '@modelcontextprotocol/sdk/server/sessionHandler.js';
import { CallToolRequestSchema, ListRootsResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test } from 'vitest';
import { CLIENT_CAPABILITIES, begin, call, callTool, get, initializeMessage, isFinal, post, toolResult } from './support/mcpRequests.ts';
import { describeOnStores } from './support/watchedNodes.ts';
import { Gate, type WatchedStore } from './support/watchedStore.ts';

const modes: { what: string; options: SessionHandlerOptions }[] = [
    { what: 'JSON', options: { enableJsonResponse: true } },
    { what: 'an event stream that is not resumable', options: { resumable: false } }
];

const ping = { jsonrpc: '2.0', id: 'ping', method: 'ping' };

/** Resolves when an append that closes a stream has been made. */
function closing(store: WatchedStore): Promise<unknown> {
    return store.next(({ operation, args }) => operation === 'streams.append' && JSON.stringify(args[3]).includes('"close":true'));
}

describeOnStores('R20: a warm request costs one store round trip', start => {
    test.each(modes)('$what: one store call in all', async ({ options }) => {
        const { urls, stores, nodes } = await start(options);
        const [a, b] = urls;
        const session = await begin(a);
        await callTool(b, session, 'whoami');
        for (const [index, url] of [a, b].entries()) {
            const store = stores[index];
            store?.calls.splice(0);
            for (let i = 0; i < 20; i++) {
                await callTool(url, session, 'whoami');
            }
            expect(store?.takeRequestCalls()).toEqual(Array.from({ length: 20 }, () => 'sessions.touch'));
            const batch = await post(url, [ping, { ...ping, id: 2 }, { jsonrpc: '2.0', method: 'notifications/x' }], { session });
            await batch.ended();
            expect(store?.takeRequestCalls().filter(operation => operation !== 'sessions.nodes')).toEqual(['sessions.touch']);
        }
        expect(nodes.map(node => node.log.built.length)).toEqual([1, 1, 0]);
    });

    test('an event stream that is resumable: its log is opened in the same turn', async () => {
        const { urls, stores } = await start();
        const [a] = urls;
        const session = await begin(a);
        stores[0].takeRequestCalls();
        const gates = [new Gate(), new Gate()];
        stores[0].intervene('sessions.touch', gates[0]?.before ?? fail);
        const takeBack = stores[0].intervene('streams.append', gates[1]?.before ?? fail);
        const turns = turnsOf(stores[0], ['sessions.touch', 'streams.append']);
        const answer = call(a, session, 'whoami');
        const [touch, append] = await turns;
        // Neither has been answered when the other is made.
        expect(touch).toBe(append);
        expect(stores[0].takeRequestCalls().toSorted()).toEqual(['sessions.touch', 'streams.append']);
        takeBack();
        gates.forEach(gate => gate.open());
        expect(toolResult(await (await answer).message(isFinal))).toMatchObject({ node: 'node-1' });
    });

    test('and nobody waits until it is closed', async () => {
        const { urls, stores } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        await callTool(b, session, 'whoami');
        const gate = new Gate();
        const isClosing = closing(stores[0]);
        let appends = 0;
        stores[0].intervene('streams.append', (proceed, storeCall) => (++appends === 1 ? proceed() : gate.before(proceed, storeCall)));
        const answer = await call(a, session, 'whoami');
        // The whole answer is there, while its end is on its way to the store.
        const events = await answer.all();
        expect(events.at(-1)?.message).toMatchObject({ result: {} });
        await isClosing;
        expect(appends).toBe(2);
        gate.open();
    });

    test('messages that concern this node alone', async () => {
        const { urls, stores, cluster } = await start();
        const [a] = urls;
        const session = await begin(a);
        const asked = await call(a, session, 'ask', { text: 'Name?' }, { progressToken: 'p' });
        const question = await asked.message(({ method }) => method === 'elicitation/create');
        const held = await call(a, session, 'hold', { gate: 'hold' }, { id: 'held' });
        await cluster.gates.arrival('hold');
        for (const message of [
            { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: question.id, progress: 1 } },
            { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'held' } },
            { jsonrpc: '2.0', id: question.id, result: { action: 'decline' } }
        ]) {
            const before = stores[0].calls.filter(({ operation }) => operation.startsWith('sessions.')).length;
            expect((await post(a, message, { session })).status).toBe(202);
            const made = stores[0].calls.filter(({ operation }) => operation.startsWith('sessions.')).slice(before);
            expect(made.map(({ operation }) => operation)).toEqual(['sessions.touch']);
        }
        await Promise.all([held.ended(), asked.ended()]);
    });

    test('a request that is refused costs no more', async () => {
        const { urls, stores } = await start();
        const [a, b] = urls;
        const session = await begin(a, { user: 'ada' });
        stores.forEach(store => store.takeRequestCalls());
        expect((await call(a, session, 'whoami', {}, { user: 'eve' })).status).toBe(404);
        expect(stores[0].takeRequestCalls()).toEqual([]);
        expect((await call(b, session, 'whoami', {}, { user: 'eve' })).status).toBe(404);
        expect(stores[1].takeRequestCalls()).toEqual(['sessions.open']);
        expect((await call(b, 'unknown', 'whoami')).status).toBe(404);
        expect(stores[1].takeRequestCalls()).toEqual(['sessions.open']);
    });
});

describeOnStores('R20: what is sent to a client that listens at the same node is stored, and not read back', start => {
    test('unless another node has sent something in between', async () => {
        const { urls, stores } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const stream = await get(a, { session, version: '2025-11-25' });
        const heard = async (count: number): Promise<unknown[]> => {
            const data: unknown[] = [];
            while (data.length < count) {
                data.push((await stream.message(({ method }) => method === 'notifications/message')).params?.['data']);
            }
            return data;
        };
        await callTool(a, session, 'announce', { text: 'first' });
        await heard(1);
        const publishedAndRead = (): string[] =>
            stores[0].calls
                .splice(0)
                .map(({ operation }) => operation)
                .filter(operation => operation === 'streams.publish' || operation === 'streams.read');
        publishedAndRead();
        for (let i = 0; i < 5; i++) {
            await callTool(a, session, 'announce', { text: `here ${i}` });
            expect(await heard(1)).toMatchObject([{ text: `here ${i}` }]);
        }
        const calls = publishedAndRead();
        expect(calls.filter(operation => operation === 'streams.publish')).toHaveLength(5);
        // The housekeeping, which looks now and then whether a wake-up was lost, may have come by.
        expect(calls.filter(operation => operation === 'streams.read').length).toBeLessThan(2);
        await callTool(b, session, 'announce', { text: 'there' });
        await callTool(a, session, 'announce', { text: 'here again' });
        expect(await heard(2)).toMatchObject([{ text: 'there' }, { text: 'here again' }]);
        expect(publishedAndRead()).toContain('streams.read');
        stream.disconnect();
    });
});

describeOnStores('R20: restoring a session costs one call for its record', start => {
    test.each(modes)('$what', async ({ options }) => {
        const { urls, stores, nodes } = await start(options);
        const [a, b, c] = urls;
        const sessions = await Promise.all(Array.from({ length: 5 }, () => begin(a, { at: b })));
        for (const session of sessions) {
            expect(await callTool(c, session, 'whoami')).toMatchObject({ clientCapabilities: CLIENT_CAPABILITIES });
            expect(stores[2].takeRequestCalls()).toEqual(['sessions.open']);
        }
        expect(nodes[2].log.built).toHaveLength(5);
    });

    test('joining the cluster is once per node, not once per session or request', async () => {
        const { urls, stores } = await start({ enableJsonResponse: true });
        const [a, , c] = urls;
        for (let i = 0; i < 5; i++) {
            const session = await begin(a);
            await Promise.all([callTool(c, session, 'whoami'), callTool(c, session, 'whoami')]);
        }
        for (const store of [stores[0], stores[2]]) {
            const operations = store.calls.map(({ operation }) => operation).filter(operation => operation.startsWith('inboxes.'));
            expect(operations.filter(operation => operation !== 'inboxes.renew').toSorted()).toEqual(['inboxes.join', 'inboxes.receive']);
        }
    });

    test('an initialize costs one store call, and so does confirming it beyond the check', async () => {
        const { urls, stores } = await start();
        const answer = await post(urls[0], initializeMessage());
        const session = answer.header('mcp-session-id') ?? '';
        expect(stores[0].takeRequestCalls()).toEqual(['sessions.create']);
        await post(urls[0], { jsonrpc: '2.0', method: 'notifications/initialized' }, { session });
        expect(stores[0].takeRequestCalls()).toEqual(['sessions.touch', 'sessions.update']);
    });
});

/** In which turn of the event loop each of some operations was called first. */
async function turnsOf(store: WatchedStore, operations: readonly Parameters<WatchedStore['next']>[0][]): Promise<number[]> {
    let turn = 0;
    let isOver = false;
    const count = (): void => {
        turn++;
        if (!isOver) {
            setImmediate(count);
        }
    };
    count();
    const turns = await Promise.all(
        operations.map(async operation => {
            await store.next(operation);
            return turn;
        })
    );
    isOver = true;
    return turns;
}

function fail(): never {
    throw new Error('unreachable');
}

setFlagsFromString('--expose-gc');

/** How many of some objects are still reachable. */
async function survivors(references: readonly WeakRef<object>[]): Promise<number> {
    // References that were looked at live until the end of the turn.
    await new Promise(resolve => setImmediate(resolve));
    runInNewContext('gc()');
    return references.filter(reference => reference.deref() !== undefined).length;
}

describe('R20: nothing is kept of what is over', () => {
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

    /** Sends one request, whose caller nobody else knows. */
    async function send(
        handler: SessionHandler,
        references: WeakRef<object>[],
        session: string | undefined,
        body: object
    ): Promise<Response> {
        const authInfo = { token: 'secret', clientId: 'client', scopes: [] };
        references.push(new WeakRef(authInfo));
        const request = new Request('http://node/mcp', {
            method: 'POST',
            headers: session === undefined ? headers : { ...headers, 'mcp-session-id': session },
            body: JSON.stringify(body)
        });
        return handler.handleWebRequest(request, { authInfo });
    }

    function buildServer(): Server {
        const server = new Server({ name: 'forgetful', version: '0' }, { capabilities: { tools: {} } });
        server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
            switch (params.name) {
                case 'ask':
                    await extra.sendRequest({ method: 'roots/list' }, ListRootsResultSchema);
                    break;
                case 'wait':
                    await new Promise(resolve => extra.signal.addEventListener('abort', resolve));
                    break;
            }
            return { content: [] };
        });
        return server;
    }

    async function beginHere(handler: SessionHandler): Promise<string> {
        const answer = await send(handler, [], undefined, initializeMessage());
        await answer.text();
        const session = answer.headers.get('mcp-session-id') ?? '';
        await send(handler, [], session, { jsonrpc: '2.0', method: 'notifications/initialized' });
        return session;
    }

    test.each([
        { enableJsonResponse: true, resumable: false },
        { enableJsonResponse: false, resumable: false },
        { enableJsonResponse: false, resumable: true }
    ])('of 1,000 requests %o', async options => {
        const handler = createSessionHandler(buildServer, { ...options, store: new InMemoryTransportStore() });
        const session = await beginHere(handler);
        const references: WeakRef<object>[] = [];
        const tool = (id: number, name: string): object => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name } });
        for (let id = 0; id < 1_000; id++) {
            switch (id % 5) {
                case 0:
                    await (await send(handler, references, session, tool(id, 'plain'))).text();
                    break;
                case 1:
                    await send(handler, references, session, { jsonrpc: '2.0', method: 'notifications/x' });
                    break;
                case 2:
                    expect((await send(handler, references, 'unknown', tool(id, 'plain'))).status).toBe(404);
                    break;
                case 3: {
                    const answer = send(handler, references, session, tool(id, 'wait'));
                    await new Promise(resolve => setImmediate(resolve));
                    await send(handler, references, session, {
                        jsonrpc: '2.0',
                        method: 'notifications/cancelled',
                        params: { requestId: id }
                    });
                    await (await answer).text();
                    break;
                }
                default:
                    if (!options.enableJsonResponse) {
                        // The client leaves before it is answered, and replies all the same.
                        const answer = await send(handler, references, session, tool(id, 'ask'));
                        const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
                        let text = '';
                        while (!text.includes('roots/list')) {
                            text += (await reader?.read())?.value ?? '';
                        }
                        await reader?.cancel();
                        const question = /"id":("[^"]+")/.exec(text)?.[1] ?? '""';
                        await send(handler, references, session, {
                            jsonrpc: '2.0',
                            id: JSON.parse(question) as string,
                            result: { roots: [] }
                        });
                    }
            }
        }
        expect(references.length).toBeGreaterThanOrEqual(1_000);
        await expect.poll(() => survivors(references), { timeout: 10_000 }).toBeLessThan(10);
        expect(handler.liveSessions).toBe(1);
        expect((await send(handler, references, session, ping)).status).toBe(200);
        await handler.close({ deadlineMs: 1 });
    });

    test('of sessions that were dropped, deleted, or could not be made', async () => {
        const references: WeakRef<object>[] = [];
        let isBroken = false;
        const handler = createSessionHandler(
            ({ transport }) => {
                references.push(new WeakRef(transport));
                if (isBroken) {
                    throw new Error('No');
                }
                return buildServer();
            },
            { maxLiveSessions: 5, store: new InMemoryTransportStore() }
        );
        for (let i = 0; i < 200; i++) {
            const session = await beginHere(handler);
            isBroken = i % 3 === 0;
            await send(handler, [], undefined, initializeMessage());
            isBroken = false;
            if (i % 3 === 1) {
                const request = new Request('http://node/mcp', { method: 'DELETE', headers: { 'mcp-session-id': session } });
                expect((await handler.handleWebRequest(request, { authInfo: { token: '', clientId: 'client', scopes: [] } })).status).toBe(
                    200
                );
            }
        }
        expect(handler.liveSessions).toBeLessThanOrEqual(5);
        expect(references.length).toBeGreaterThan(200);
        await expect.poll(() => survivors(references), { timeout: 10_000 }).toBeLessThan(10);
        await handler.close({ deadlineMs: 1 });
    });
});

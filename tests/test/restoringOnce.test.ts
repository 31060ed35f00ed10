import type { SessionServer, TransportFactory, TransportFactoryContext } from '@modelcontextprotocol/sdk/server/transportFactory.js';
import { expect, test } from 'vitest';
import { faces, type TestNode } from './support/cluster.ts';
import { CLIENT_CAPABILITIES, begin, call, callTool, get, initializeMessage, isFinal, post, toolResult } from './support/mcpRequests.ts';
import { recordingServer } from './support/recordingServer.ts';
import { buildServer } from './support/testServer.ts';
import { describeOnStores, memoryOnly, type StartNodes, type WatchedNodes } from './support/watchedNodes.ts';
import { Gate } from './support/watchedStore.ts';

const count = 50;

/** Starts nodes of which the last one makes its servers as a test wants. */
async function startWith(
    start: StartNodes,
    lastNodesFactory: TransportFactory,
    options: Parameters<StartNodes>[0] = {}
): Promise<WatchedNodes> {
    const nodes: WatchedNodes = await start({
        ...options,
        factory: (context, node) => (node.name === 'node-3' ? lastNodesFactory(context) : usual(nodes, context, node))
    });
    return nodes;
}

function usual({ cluster }: WatchedNodes, context: TransportFactoryContext, { name, log }: TestNode): SessionServer {
    return buildServer(name, context, log, cluster.gates);
}

/** Requests that reach a handler in one go, without a network that lets some be earlier than others. */
function callAtOnce({ handler }: TestNode, session: string, face: 'fetch' | 'parsed' = 'parsed'): Promise<Response[]> {
    return Promise.all(
        Array.from({ length: count }, (_, id) => {
            const body = { jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'whoami', arguments: {} } };
            const headers = {
                'content-type': 'application/json',
                accept: 'application/json, text/event-stream',
                'mcp-session-id': session
            };
            const request = new Request('http://node/mcp', { method: 'POST', headers, body: JSON.stringify(body) });
            return face === 'fetch' ? handler.fetch(request) : handler.handleWebRequest(request, { parsedBody: body });
        })
    );
}

describeOnStores('R5: a server is restored once per node, however many requests need it', start => {
    test.each(faces)('fifty first requests at once, by HTTP [%s]', async face => {
        const { urls, nodes, stores } = await start({ face });
        const [a, , c] = urls;
        const session = await begin(a);
        await (await post(a, { jsonrpc: '2.0', id: 1, method: 'logging/setLevel', params: { level: 'info' } }, { session })).ended();
        const results = await Promise.all(Array.from({ length: count }, () => callTool(c, session, 'whoami')));
        for (const result of results) {
            expect(result).toMatchObject({ node: 'node-3', clientCapabilities: CLIENT_CAPABILITIES, logLevel: 'info' });
        }
        expect(nodes[2].log.built).toHaveLength(1);
        expect(nodes[2].log.initialized).toHaveLength(1);
        expect(nodes[2].handler.liveSessions).toBe(1);
        expect(stores[2].calls.filter(({ operation }) => operation === 'sessions.open')).toHaveLength(1);
    });

    test.each(['fetch', 'parsed'] as const)('fifty first requests in one turn [%s]', async face => {
        const { urls, nodes, stores } = await start();
        const session = await begin(urls[0]);
        const answers = await callAtOnce(nodes[2], session, face);
        expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
        await Promise.all(answers.map(answer => answer.text()));
        expect(nodes[2].log.built).toHaveLength(1);
        expect(stores[2].calls.filter(({ operation }) => operation === 'sessions.open')).toHaveLength(1);
    });

    test('a factory that fails makes all requests that wait for it 500, by one call, and is not remembered', async () => {
        const gate = new Gate();
        let calls = 0;
        const nodes = await startWith(start, async context => {
            calls++;
            if (calls === 1) {
                await gate.opened;
                throw new Error('The database of the application is down');
            }
            return usual(nodes, context, nodes.nodes[2]);
        });
        const session = await begin(nodes.urls[0]);
        const asked = nodes.stores[2].next('sessions.open');
        const answers = callAtOnce(nodes.nodes[2], session);
        await asked;
        // All that is missing is the factory: a later request, for another session, is answered.
        expect((await call(nodes.urls[2], 'unknown', 'whoami')).status).toBe(404);
        expect(calls).toBe(1);
        gate.open();
        for (const answer of await answers) {
            expect(answer.status).toBe(500);
            expect(answer.headers.get('mcp-session-id')).toBeNull();
            expect(await answer.json()).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32603, data: 'FACTORY_FAILED' } });
        }
        expect(calls).toBe(1);
        expect(nodes.nodes[2].errors).toHaveLength(count);
        expect(nodes.nodes[2].errors[0]).toMatchObject({
            code: 'FACTORY_FAILED',
            cause: { message: 'The database of the application is down' }
        });
        expect(await callTool(nodes.urls[2], session, 'whoami')).toMatchObject({ node: 'node-3', clientCapabilities: CLIENT_CAPABILITIES });
        expect(calls).toBe(2);
        expect(await callTool(nodes.urls[0], session, 'whoami')).toMatchObject({ node: 'node-1' });
    });
});

describeOnStores(
    'R5: a session is visible only when it is ready',
    start => {
        test('requests that come while the factory works wait, on that node only', async () => {
            const gate = new Gate();
            let begun = (): void => undefined;
            const hasBegun = new Promise<void>(resolve => (begun = resolve));
            const nodes = await startWith(start, async context => {
                begun();
                await gate.opened;
                return usual(nodes, context, nodes.nodes[2]);
            });
            const [a, , c] = nodes.urls;
            const session = await begin(a);
            let answered = 0;
            const requests = [
                call(c, session, 'whoami'),
                post(c, { jsonrpc: '2.0', method: 'notifications/roots/list_changed' }, { session }),
                post(c, [{ jsonrpc: '2.0', id: 'x', method: 'tools/list' }], { session })
            ].map(request =>
                request.then(answer => {
                    answered++;
                    return answer;
                })
            );
            await hasBegun;
            expect(await callTool(a, session, 'whoami')).toMatchObject({ node: 'node-1' });
            expect((await call(c, 'unknown', 'whoami')).status).toBe(404);
            // What needs no server need not wait for one.
            const stream = await get(c, { session });
            expect(stream.status).toBe(200);
            stream.disconnect();
            expect(answered).toBe(0);
            gate.open();
            expect((await Promise.all(requests)).map(({ status }) => status)).toEqual([200, 202, 200]);
            expect(nodes.nodes[2].log.built).toHaveLength(1);
        });

        test('requests that come while the server is being told of its client wait', async () => {
            const gate = new Gate();
            const received: string[] = [];
            const { urls } = await start({
                factory: context =>
                    recordingServer(context, [], async message => {
                        received.push('method' in message ? message.method : 'reply');
                        if ('method' in message && message.method === 'initialize' && context.restored) {
                            await gate.opened;
                        }
                    })
            });
            const [a, b] = urls;
            const session = await begin(a);
            received.splice(0);
            const first = post(b, { jsonrpc: '2.0', id: 1, method: 'ping' }, { session });
            const second = post(b, { jsonrpc: '2.0', id: 2, method: 'ping' }, { session });
            await expect.poll(() => received).toEqual(['initialize']);
            expect((await post(b, { jsonrpc: '2.0', id: 1, method: 'ping' }, { session: 'unknown' })).status).toBe(404);
            expect(received).toEqual(['initialize']);
            gate.open();
            expect(await (await first).json()).toMatchObject({ id: 1, result: {} });
            expect(await (await second).json()).toMatchObject({ id: 2, result: {} });
            expect(received).toEqual(['initialize', 'ping', 'ping']);
        });
    },
    memoryOnly
);

function fakeServer(connect: (context: TransportFactoryContext) => Promise<void>): TransportFactory {
    return context => ({ connect: () => connect(context), close: () => Promise.resolve() });
}

/** What a factory written without types may return. */
function untyped(value: unknown): TransportFactory {
    const holder: { factory?: TransportFactory } = Object.fromEntries([['factory', () => value]]);
    return holder.factory ?? (() => Promise.reject(new Error('unreachable')));
}

const failures: Record<string, TransportFactory> = {
    throws: () => {
        throw new Error('No');
    },
    'throws what is no error': () => {
        throw Object.create(null) as unknown;
    },
    rejects: () => Promise.reject(new Error('No')),
    'returns nothing': untyped(undefined),
    'returns null': untyped(null),
    'returns a text': untyped('server'),
    'returns an object that is no server': untyped({}),
    'returns a server without close whose connect fails': untyped({ connect: () => Promise.reject(new Error('No')) }),
    'returns a server whose connect throws': fakeServer(() => {
        throw new Error('No');
    }),
    'returns a server whose connect rejects': fakeServer(() => Promise.reject(new Error('No'))),
    'returns a server that does not listen': fakeServer(() => Promise.resolve()),
    'returns a server that starts the transport but does not listen': fakeServer(({ transport }) => transport.start()),
    'returns a server that has closed the transport': fakeServer(async ({ transport }) => {
        await transport.start();
        await transport.close();
    }),
    'returns a server that closes the transport when it is asked': fakeServer(async ({ transport }) => {
        transport.onmessage = () => void transport.close();
        await transport.start();
    }),
    'returns a server without close that closes the transport when it is asked': context =>
        untyped({
            connect: async () => {
                context.transport.onmessage = () => void context.transport.close();
                await context.transport.start();
            }
        })(context),
    'refuses a session that it has accepted before': fakeServer(async ({ transport, restored }) => {
        transport.onmessage = message => {
            if ('id' in message && message.id !== undefined) {
                const error = { code: -32600, message: restored ? 'Refused' : 'Refused at once' };
                void transport.send({ jsonrpc: '2.0', id: message.id, error });
            }
        };
        await transport.start();
    })
};

describeOnStores(
    'R5: a factory that fails makes the request 500, nothing is kept, and the next request tries again',
    start => {
        test.each(Object.entries(failures))('a factory that %s', async (_, failure) => {
            let isBroken = true;
            const nodes: WatchedNodes = await startWith(start, context =>
                isBroken ? failure(context) : usual(nodes, context, nodes.nodes[2])
            );
            const [a, , c] = nodes.urls;
            const session = await begin(a);
            const answers = await Promise.all([
                call(c, session, 'whoami'),
                post(c, { jsonrpc: '2.0', method: 'notifications/initialized' }, { session }),
                post(c, [{ jsonrpc: '2.0', id: 'x', method: 'tools/list' }], { session })
            ]);
            for (const answer of answers) {
                expect(answer.status).toBe(500);
                expect(await answer.json()).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32603, data: 'FACTORY_FAILED' } });
            }
            expect(nodes.nodes[2].errors).toHaveLength(3);
            isBroken = false;
            expect(await callTool(c, session, 'whoami')).toMatchObject({ node: 'node-3', clientCapabilities: CLIENT_CAPABILITIES });
        });

        test.each(Object.entries(failures).filter(([what]) => !what.startsWith('refuses')))(
            'a new session, by a factory that %s',
            async (_, failure) => {
                let isBroken = true;
                const nodes: WatchedNodes = await startWith(start, context =>
                    isBroken ? failure(context) : usual(nodes, context, nodes.nodes[2])
                );
                const [, , c] = nodes.urls;
                const answer = await post(c, initializeMessage());
                expect(answer.status).toBe(500);
                expect(answer.header('mcp-session-id')).toBeUndefined();
                expect(await answer.json()).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32603, data: 'FACTORY_FAILED' } });
                expect(nodes.stores[2].takeRequestCalls()).toEqual([]);
                expect(nodes.nodes[2].handler.liveSessions).toBe(0);
                isBroken = false;
                expect(await callTool(c, await begin(c), 'whoami')).toMatchObject({ node: 'node-3' });
            }
        );

        test('a request that is refused so leaves no event log that somebody could wait for', async () => {
            let isBroken = true;
            const nodes: WatchedNodes = await startWith(start, context => {
                if (isBroken) {
                    throw new Error('No');
                }
                return usual(nodes, context, nodes.nodes[2]);
            });
            const [a, , c] = nodes.urls;
            const session = await begin(a);
            const closed = nodes.stores[2].next(({ operation, args }) => operation === 'streams.append' && isClosing(args[3]));
            expect((await call(c, session, 'whoami')).status).toBe(500);
            const opened = nodes.stores[2].calls.filter(({ operation }) => operation === 'streams.append').map(({ args }) => args[1]);
            expect((await closed).args[1]).toBe(opened[0]);
            isBroken = false;
            const answer = await call(c, session, 'whoami');
            expect(toolResult(await answer.message(isFinal))).toMatchObject({ node: 'node-3' });
        });

        test('a server that the factory has connected itself is used as it is', async () => {
            const nodes: WatchedNodes = await start({
                factory: async (context, node) => {
                    const server = usual(nodes, context, node);
                    await server.connect(context.transport);
                    return server;
                }
            });
            const [a, b] = nodes.urls;
            const session = await begin(a);
            for (const url of [a, b]) {
                expect(await callTool(url, session, 'whoami')).toMatchObject({ clientCapabilities: CLIENT_CAPABILITIES });
            }
        });
    },
    memoryOnly
);

function isClosing(options: unknown): boolean {
    return typeof options === 'object' && options !== null && 'close' in options && options.close === true;
}

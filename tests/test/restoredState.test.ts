import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { CallToolRequestSchema, SetLevelRequestSchema, type JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { expect, test } from 'vitest';
import { faces } from './support/cluster.ts';
import { CLIENT_CAPABILITIES, begin, call, callTool, initializeMessage, isFinal, post } from './support/mcpRequests.ts';
import { recordingServer } from './support/recordingServer.ts';
import { describeOnStores, memoryOnly } from './support/watchedNodes.ts';
import { Gate, rejectWith } from './support/watchedStore.ts';

const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' };

function setLevel(level: string, id: number | string = 'level'): object {
    return { jsonrpc: '2.0', id, method: 'logging/setLevel', params: { level } };
}

const client = { clientInfo: { name: 'test-client', version: '1.2.3' }, clientCapabilities: CLIENT_CAPABILITIES };

describeOnStores('R4: a restored server knows its client', start => {
    test.each([0, 1, 2] as const)('wherever initialized has landed: at node %i', async landing => {
        const { urls, nodes } = await start();
        const session = await begin(urls[0], { at: urls[landing] });
        for (const [index, url] of urls.entries()) {
            expect(await callTool(url, session, 'whoami')).toMatchObject({ node: `node-${index + 1}`, ...client, logLevel: null });
        }
        expect(nodes.map(node => node.log.built.length)).toEqual([1, 1, 1]);
        expect(nodes.map(node => node.log.initialized)).toEqual([[session], [session], [session]]);
    });

    test.each([0, 1, 2] as const)('wherever logging/setLevel has landed: at node %i, while all are warm', async landing => {
        const { urls } = await start();
        const session = await begin(urls[0]);
        for (const url of urls) {
            expect(await callTool(url, session, 'whoami')).toMatchObject({ logLevel: null });
        }
        for (const level of ['warning', 'debug']) {
            expect(await (await post(urls[landing], setLevel(level), { session })).json()).toMatchObject({ id: 'level', result: {} });
            for (const url of urls) {
                expect(await callTool(url, session, 'whoami')).toMatchObject({ logLevel: level });
            }
        }
    });

    test('wherever logging/setLevel has landed, while the others are cold', async () => {
        const { urls } = await start();
        const session = await begin(urls[0]);
        await (await post(urls[1], setLevel('error'), { session })).ended();
        expect(await callTool(urls[2], session, 'whoami')).toMatchObject({ logLevel: 'error', ...client });
        expect(await callTool(urls[0], session, 'whoami')).toMatchObject({ logLevel: 'error', ...client });
    });

    test('the answer to logging/setLevel is held back until the level is stored', async () => {
        const { urls, stores } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const gate = new Gate();
        const isStored = stores[0].next('sessions.update');
        stores[0].intervene('sessions.update', gate.before);
        const answer = await post(a, setLevel('critical'), { session });
        let isAnswered = false;
        const response = answer.message(isFinal).then(message => {
            isAnswered = true;
            return message;
        });
        await isStored;
        expect(await callTool(b, session, 'whoami')).toMatchObject({ logLevel: null });
        expect(isAnswered).toBe(false);
        gate.open();
        expect(await response).toMatchObject({ id: 'level', result: {} });
        expect(await callTool(b, session, 'whoami')).toMatchObject({ logLevel: 'critical' });
    });
});

describeOnStores(
    'R4: what exactly a new server is told',
    start => {
        test.each(faces)('the client`s own initialize, initialized and the last level, before anything else [%s]', async face => {
            const received: JSONRPCMessage[][] = [[], [], []];
            const { urls, nodes } = await start({
                face,
                factory: (context, node) => recordingServer(context, received[nodes.indexOf(node)] ?? [])
            });
            const [a, b, c] = urls;
            const capabilities = { ...CLIENT_CAPABILITIES, experimental: { 'x-own': { depth: 1 } } };
            const version = '2025-06-18';
            const session = (await post(a, initializeMessage(version, capabilities))).header('mcp-session-id');
            await post(b, initialized, { session });
            await (await post(a, setLevel('info'), { session })).ended();
            await (await post(a, setLevel('notice'), { session })).ended();
            await (await post(c, { jsonrpc: '2.0', id: 'first', method: 'tools/list' }, { session })).ended();
            expect(received[2]?.map(message => ('method' in message ? [message.method, message.params] : message))).toEqual([
                ['initialize', { protocolVersion: version, capabilities, clientInfo: client.clientInfo }],
                ['notifications/initialized', undefined],
                ['logging/setLevel', { level: 'notice' }],
                ['tools/list', undefined]
            ]);
        });

        test('a client that has not sent initialized is not said to have', async () => {
            const received: JSONRPCMessage[] = [];
            const { urls } = await start({ factory: context => recordingServer(context, received) });
            const session = (await post(urls[0], initializeMessage())).header('mcp-session-id');
            received.splice(0);
            await (await post(urls[1], { jsonrpc: '2.0', id: 1, method: 'ping' }, { session })).ended();
            expect(received.map(message => 'method' in message && message.method)).toEqual(['initialize', 'ping']);
        });

        test('a server that is live elsewhere hears of initialized with its next request, once', async () => {
            const { urls, nodes } = await start();
            const [a, b] = urls;
            const session = await begin(a, { at: b });
            expect(nodes[0].log.initialized).toEqual([]);
            await callTool(a, session, 'whoami');
            await callTool(a, session, 'whoami');
            expect(nodes[0].log.initialized).toEqual([session]);
            expect(nodes[1].log.initialized).toEqual([session]);
        });

        test('a request that follows a change elsewhere waits until the server has taken it over', async () => {
            const { urls, cluster } = await start({
                factory: () => {
                    const server = new Server({ name: 'slow', version: '0' }, { capabilities: { logging: {}, tools: {} } });
                    let current: string | undefined;
                    server.setRequestHandler(SetLevelRequestSchema, async (request, extra) => {
                        await cluster.gates.wait(`set ${request.params.level}`, extra.signal);
                        current = request.params.level;
                        return {};
                    });
                    server.setRequestHandler(CallToolRequestSchema, () => ({ content: [{ type: 'text', text: String(current) }] }));
                    return server;
                }
            });
            const [a, b] = urls;
            const session = await begin(a);
            expect(await callTool(b, session, 'level')).toBe('undefined');
            const setting = post(a, setLevel('alert'), { session });
            await cluster.gates.arrival('set alert');
            cluster.gates.open('set alert');
            await (await setting).ended();
            cluster.gates.close('set alert');
            const isTold = cluster.gates.arrival('set alert');
            let isAnswered = false;
            const answer = callTool(b, session, 'level').then(level => {
                isAnswered = true;
                return level;
            });
            await isTold;
            expect((await call(b, 'another-session', 'level')).status).toBe(404);
            expect(isAnswered).toBe(false);
            cluster.gates.open('set alert');
            expect(await answer).toBe('alert');
        });

        test('a level that the server refuses is not stored', async () => {
            const { urls, stores } = await start();
            const [a, b] = urls;
            const session = await begin(a);
            stores[0].takeRequestCalls();
            expect(await (await post(a, setLevel('loud'), { session })).json()).toMatchObject({ id: 'level', error: { code: -32603 } });
            expect(stores[0].takeRequestCalls()).not.toContain('sessions.update');
            expect(await callTool(b, session, 'whoami')).toMatchObject({ logLevel: null });
        });

        test.each([true, false])(
            'a level that can not be stored is an error (JSON: %o), and can be set again',
            async enableJsonResponse => {
                const { urls, stores, nodes } = await start({ enableJsonResponse });
                const [a, b] = urls;
                const session = await begin(a);
                const mend = stores[0].intervene('sessions.update', rejectWith(new Error('down')));
                expect(await (await post(a, setLevel('info'), { session })).json()).toMatchObject({ id: 'level', error: { code: -32603 } });
                expect(nodes[0].errors).toHaveLength(1);
                expect(await callTool(b, session, 'whoami')).toMatchObject({ logLevel: null });
                mend();
                expect(await (await post(a, setLevel('info'), { session })).json()).toMatchObject({ id: 'level', result: {} });
                expect(await callTool(b, session, 'whoami')).toMatchObject({ logLevel: 'info' });
            }
        );

        test('initialized is answered when it is stored', async () => {
            const { urls, stores } = await start();
            const [a, b] = urls;
            const session = (await post(a, initializeMessage())).header('mcp-session-id') ?? '';
            const mend = stores[1].intervene('sessions.update', rejectWith(new Error('down')));
            expect((await post(b, initialized, { session })).status).toBe(503);
            mend();
            const gate = new Gate();
            const isStored = stores[1].next('sessions.update');
            stores[1].intervene('sessions.update', gate.after);
            let isAnswered = false;
            const answer = post(b, initialized, { session }).then(({ status }) => {
                isAnswered = true;
                return status;
            });
            await isStored;
            await callTool(a, session, 'whoami');
            expect(isAnswered).toBe(false);
            gate.open();
            expect(await answer).toBe(202);
        });
    },
    memoryOnly
);

describeOnStores('R6: restoring has no side effects', start => {
    test.each([true, false])('nothing is called or stored but what the request itself needs (JSON: %o)', async enableJsonResponse => {
        const told: string[] = [];
        const { urls, nodes, stores } = await start({
            enableJsonResponse,
            onsessioninitialized: sessionId => void told.push(sessionId)
        });
        const [a, b, c] = urls;
        const session = await begin(a, { at: b, user: 'ada' });
        await (await post(b, setLevel('info'), { session, user: 'ada' })).ended();
        stores[2].takeRequestCalls();
        const answer = await call(c, session, 'whoami', {}, { user: 'ada', version: '2025-06-18' });
        const messages = (await answer.all()).flatMap(({ message }) => (message ? [message] : []));
        expect(enableJsonResponse ? [await answer.json()] : messages).toMatchObject([{ result: {} }]);
        // Its own log is opened and closed; replayed messages and their answers leave no trace.
        const log = enableJsonResponse ? [] : ['streams.append', 'streams.append'];
        expect(stores[2].takeRequestCalls()).toEqual(['sessions.open', ...log]);
        expect(told).toEqual([session]);
        expect(nodes[2].log.initialized).toEqual([session]);
        expect(nodes.map(({ log: { built } }) => built.map(({ restored }) => restored))).toEqual([[false], [true], [true]]);
        expect(nodes[2].log.built).toMatchObject([{ sessionId: session, authInfo: { clientId: 'ada' } }]);
    });

    test('what a server sends while it is replayed to reaches no client', async () => {
        const { urls, store } = await start({
            enableJsonResponse: false,
            factory: context => {
                const { transport } = context;
                return recordingServer(context, [], async message => {
                    if ('id' in message && message.id !== undefined && context.restored) {
                        const note: JSONRPCMessage = {
                            jsonrpc: '2.0',
                            method: 'notifications/message',
                            params: { level: 'info', data: 1 }
                        };
                        await transport.send(note, { relatedRequestId: message.id });
                    }
                });
            }
        });
        const [a, b] = urls;
        const session = await begin(a);
        const answer = await post(b, { jsonrpc: '2.0', id: 'real', method: 'ping' }, { session });
        const messages = (await answer.all()).flatMap(({ message }) => (message ? [message] : []));
        // One note belongs to the request of the client itself.
        expect(messages).toMatchObject([{ method: 'notifications/message' }, { id: 'real', result: {} }]);
        const opened = await store.sessions.open(session, { ttlMs: 60_000 });
        const record: unknown = opened.status === 'ok' ? JSON.parse(opened.session.record) : undefined;
        const stream = typeof record === 'object' && record !== null && 'standaloneStream' in record ? String(record.standaloneStream) : '';
        expect(await store.streams?.read(session, stream, undefined, 10)).toEqual({ status: 'unknown' });
    });
});

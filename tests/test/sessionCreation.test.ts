import { TransportStoreError } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { expect, test } from 'vitest';
import { faces } from './support/cluster.ts';
import { CLIENT_CAPABILITIES, begin, call, callTool, initializeMessage, post } from './support/mcpRequests.ts';
import { describeOnStores, memoryOnly } from './support/watchedNodes.ts';
import { Gate, rejectWith } from './support/watchedStore.ts';

describeOnStores('R1: a session made on any node is good on every node at once', start => {
    test.each(faces)('every node serves a session that another one has just made [%s]', async face => {
        const { urls } = await start({ face });
        const [a, b, c] = urls;
        const session = await begin(a, { at: b });
        for (const [index, url] of urls.entries()) {
            expect(await callTool(url, session, 'whoami')).toMatchObject({ node: `node-${index + 1}`, sessionId: session });
        }
        const another = await begin(c);
        expect(another).not.toBe(session);
        expect(await callTool(a, another, 'whoami')).toMatchObject({ node: 'node-1', sessionId: another });
    });

    test.each(faces.flatMap(face => [true, false].map(enableJsonResponse => ({ face, enableJsonResponse }))))(
        'the record is stored before the first byte of the answer leaves %o',
        async options => {
            const {
                urls: [a, b],
                stores: [store]
            } = await start(options);
            const gate = new Gate();
            store.intervene('sessions.create', gate.after);
            const isAsked = store.next('sessions.create');
            let hasHeaders = false;
            const beginning = post(a, initializeMessage()).then(answer => {
                hasHeaders = true;
                return answer;
            });
            const { args } = await isAsked;
            const session = String(args[0]);
            // The record is there now, and the node does not know it yet: a whole request to it comes and goes meanwhile.
            expect((await call(b, session, 'whoami')).status).toBe(200);
            expect((await call(a, 'another-session', 'whoami')).status).toBe(404);
            expect(hasHeaders).toBe(false);
            gate.open();
            const answer = await beginning;
            expect(answer.status).toBe(200);
            expect(answer.header('mcp-session-id')).toBe(session);
            expect(await answer.json()).toMatchObject({ id: 0, result: { serverInfo: { name: 'test-server' } } });
        }
    );
});

describeOnStores(
    'R1: a session that could not be stored does not exist',
    start => {
        test.each(faces)('a store that fails to create makes it 503, without a session id [%s]', async face => {
            const {
                urls: [a],
                nodes: [node],
                stores: [store]
            } = await start({ face });
            const mend = store.intervene('sessions.create', rejectWith(new TransportStoreError('STORE_FULL', 'full')));
            const answer = await post(a, initializeMessage());
            expect(answer.status).toBe(503);
            expect(answer.header('mcp-session-id')).toBeUndefined();
            expect(answer.header('retry-after')).toMatch(/^\d+$/);
            expect(await answer.json()).toMatchObject({ jsonrpc: '2.0', id: null, error: { data: 'STORE_FULL' } });
            expect(node.handler.liveSessions).toBe(0);
            mend();
            const session = await begin(a);
            expect(node.handler.liveSessions).toBe(1);
            expect(await callTool(a, session, 'whoami')).toMatchObject({ clientCapabilities: CLIENT_CAPABILITIES });
        });

        test('the server object that was made for it is closed', async () => {
            const {
                urls: [a],
                nodes: [node],
                stores: [store]
            } = await start();
            store.intervene('sessions.create', rejectWith(new Error('down')));
            await (await post(a, initializeMessage())).ended();
            expect(node.log.built).toHaveLength(1);
            expect(node.log.closed).toEqual([node.log.built[0]?.sessionId]);
        });

        test('an initialize that the server refuses makes no session', async () => {
            const {
                urls: [a],
                nodes: [node],
                stores: [store]
            } = await start({
                factory: ({ transport }) => ({
                    connect: () => {
                        transport.onmessage = message => {
                            const id = 'id' in message ? message.id : undefined;
                            void transport.send({ jsonrpc: '2.0', id, error: { code: -32602, message: 'Not with me' } });
                        };
                        return transport.start();
                    },
                    close: () => transport.close()
                })
            });
            const answer = await post(a, initializeMessage());
            expect(answer.status).toBe(200);
            expect(answer.header('mcp-session-id')).toBeUndefined();
            expect(await answer.json()).toMatchObject({ id: 0, error: { code: -32602, message: 'Not with me' } });
            expect(store.takeRequestCalls()).toEqual([]);
            expect(node.handler.liveSessions).toBe(0);
        });

        test('an id that exists is not given out twice, and its session goes on', async () => {
            const {
                urls: [a, b],
                nodes
            } = await start({ sessionIdGenerator: () => 'always-the-same' });
            const session = await begin(a);
            await callTool(a, session, 'whoami');
            for (const [index, url] of [a, b].entries()) {
                const answer = await post(url, initializeMessage());
                expect(answer.status).toBe(500);
                expect(answer.header('mcp-session-id')).toBeUndefined();
                expect(nodes[index]?.log.closed).toEqual([session]);
            }
            expect(await callTool(a, session, 'whoami')).toMatchObject({ node: 'node-1' });
            expect(await callTool(b, session, 'whoami')).toMatchObject({ node: 'node-2' });
        });

        test('an id that would not be accepted afterwards is not given out', async () => {
            for (const id of ['', 'with space', 'ümlaut', 'x'.repeat(257)]) {
                const {
                    urls: [a],
                    nodes: [node],
                    stores: [store]
                } = await start({ sessionIdGenerator: () => id });
                const answer = await post(a, initializeMessage());
                expect(answer.status).toBe(500);
                expect(answer.header('mcp-session-id')).toBeUndefined();
                expect(store.takeRequestCalls()).toEqual([]);
                expect(String(node.errors[0])).toContain('sessionIdGenerator');
            }
        });
    },
    memoryOnly
);

describeOnStores(
    'R1: what the application is told of a new session',
    start => {
        test('onsessioninitialized is called once, on the node that made it, when it is stored and before the client is answered', async () => {
            const told: string[] = [];
            const gate = new Gate();
            const {
                urls: [a, b],
                stores: [store]
            } = await start({
                onsessioninitialized: async sessionId => {
                    told.push(sessionId);
                    await gate.opened;
                }
            });
            const isStored = store.next('sessions.create');
            let isAnswered = false;
            const beginning = post(a, initializeMessage()).then(answer => {
                isAnswered = true;
                return answer;
            });
            const session = String((await isStored).args[0]);
            expect(await callTool(b, session, 'whoami')).toMatchObject({ node: 'node-2' });
            expect(told).toEqual([session]);
            expect(isAnswered).toBe(false);
            gate.open();
            expect((await beginning).header('mcp-session-id')).toBe(session);
            await callTool(a, session, 'whoami');
            expect(told).toEqual([session]);
        });

        test('if it fails, the client gets 500, and of the session that nobody can use nothing is kept', async () => {
            let isBroken = true;
            const {
                urls: [a],
                nodes: [node],
                stores: [watched],
                store
            } = await start({
                onsessioninitialized: () => (isBroken ? Promise.reject(new Error('The application is down')) : undefined)
            });
            const isDeleted = watched.next('sessions.delete');
            const answer = await post(a, initializeMessage());
            expect(answer.status).toBe(500);
            expect(answer.header('mcp-session-id')).toBeUndefined();
            expect(await answer.json()).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32603 } });
            const session = String((await isDeleted).args[0]);
            expect(await store.sessions.open(session, { ttlMs: 60_000 })).toEqual({ status: 'missing' });
            expect(node.log.closed).toEqual([session]);
            expect(node.handler.liveSessions).toBe(0);
            expect(node.errors).toMatchObject([{ message: 'The application is down' }]);
            isBroken = false;
            expect(await callTool(a, await begin(a), 'whoami')).toMatchObject({ node: 'node-1' });
        });
    },
    memoryOnly
);

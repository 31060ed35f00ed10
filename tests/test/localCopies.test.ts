import { expect, test } from 'vitest';
import type { SessionServer } from '@modelcontextprotocol/sdk/server/transportFactory.js';
import { faces, type TestNode } from './support/cluster.ts';
import { CLIENT_CAPABILITIES, begin, call, callTool, get, initializeMessage, isFinal, post, toolResult } from './support/mcpRequests.ts';
import { buildServer } from './support/testServer.ts';
import { describeOnStores, memoryOnly } from './support/watchedNodes.ts';
import { Gate } from './support/watchedStore.ts';

function evicted(node: TestNode, sessionId: string): Promise<unknown> {
    return node.event(event => event.type === 'session.evicted' && event.sessionId === sessionId);
}

const capacityRefusal = { jsonrpc: '2.0', id: null, error: { code: -32000, data: 'TOO_MANY_SESSIONS' } };

describeOnStores('R7: dropping a local copy never touches the shared record', start => {
    test('an idle copy is dropped, and the next request restores it', async () => {
        const { urls, nodes, store } = await start({ liveSessionIdleMs: 50 });
        const [a] = urls;
        const session = await begin(a);
        await (await post(a, { jsonrpc: '2.0', id: 1, method: 'logging/setLevel', params: { level: 'info' } }, { session })).ended();
        expect(await evicted(nodes[0], session)).toMatchObject({ reason: 'idle' });
        expect(nodes[0].handler.liveSessions).toBe(0);
        expect(nodes[0].log.closed).toEqual([session]);
        // The node is struck off the record, which is there as before.
        await expect.poll(() => store.sessions.nodes(session)).toEqual([]);
        expect(await store.sessions.open(session, { ttlMs: 60_000 })).toMatchObject({
            status: 'ok',
            session: { revision: 3, state: { initialized: '1', logLevel: 'info' } }
        });
        expect(await callTool(a, session, 'whoami')).toMatchObject({ clientCapabilities: CLIENT_CAPABILITIES, logLevel: 'info' });
        expect(nodes[0].log.built.map(({ restored }) => restored)).toEqual([false, true]);
    });

    test('beyond maxLiveSessions the copies that were used longest ago are dropped', async () => {
        const { urls, nodes } = await start({ maxLiveSessions: 3 });
        const [a] = urls;
        const [first = '', second = '', third = ''] = [await begin(a), await begin(a), await begin(a)];
        await callTool(a, first, 'whoami');
        const fourth = await begin(a);
        expect(await evicted(nodes[0], second)).toMatchObject({ reason: 'capacity' });
        expect(nodes[0].handler.liveSessions).toBe(3);
        expect(nodes[0].log.closed).toEqual([second]);
        for (const session of [first, third, fourth, second]) {
            expect(await callTool(a, session, 'whoami')).toMatchObject({ sessionId: session, clientCapabilities: CLIENT_CAPABILITIES });
        }
        expect(nodes[0].handler.liveSessions).toBe(3);
        expect(nodes[0].log.built.filter(({ restored }) => restored).map(({ sessionId }) => sessionId)).toEqual([second]);
    });
});

describeOnStores(
    'R7: a copy that is in use is not dropped',
    start => {
        test('neither when it is idle nor when room is needed: a call, a question to the client, an open stream', async () => {
            const { urls, nodes, cluster } = await start({ maxLiveSessions: 4, liveSessionIdleMs: 1 });
            const [a] = urls;
            const [calling, asking, listening] = [await begin(a), await begin(a), await begin(a)];
            const held = await call(a, calling, 'hold', { gate: 'call' });
            const asked = await call(a, asking, 'ask', { text: 'Name?' });
            const question = await asked.message(({ method }) => method === 'elicitation/create');
            const stream = await get(a, { session: listening });
            await cluster.gates.arrival('call');
            const idle = await begin(a);
            await evicted(nodes[0], idle);
            const another = await begin(a);
            await evicted(nodes[0], another);
            expect(nodes[0].handler.liveSessions).toBe(3);
            expect(nodes[0].log.closed).toEqual([idle, another]);

            cluster.gates.open('call');
            expect(toolResult(await held.message(isFinal))).toBe('held on node-1');
            await post(a, { jsonrpc: '2.0', id: question.id, result: { action: 'decline' } }, { session: asking });
            expect(toolResult(await asked.message(isFinal))).toMatchObject({ answer: { action: 'decline' } });
            await Promise.all([evicted(nodes[0], calling), evicted(nodes[0], asking)]);
            expect(nodes[0].handler.liveSessions).toBe(1);
            stream.disconnect();
            await evicted(nodes[0], listening);
            expect(nodes[0].handler.liveSessions).toBe(0);
        });

        test('a request that is on its way in keeps its copy', async () => {
            const { urls, nodes, stores } = await start({ maxLiveSessions: 1, liveSessionIdleMs: 1 });
            const [a] = urls;
            const session = await begin(a);
            const gate = new Gate();
            const isOnItsWay = stores[0].next('sessions.touch');
            const letPass = stores[0].intervene('sessions.touch', gate.before);
            const answer = call(a, session, 'whoami');
            await isOnItsWay;
            letPass();
            expect((await post(a, initializeMessage())).status).toBe(503);
            gate.open();
            expect(toolResult(await (await answer).message(isFinal))).toMatchObject({ node: 'node-1' });
            await evicted(nodes[0], session);
            expect(nodes[0].log.built).toHaveLength(1);
        });

        test.each(faces)('when all are in use, others are 503 until one is free [%s]', async face => {
            const { urls, nodes, cluster } = await start({ face, maxLiveSessions: 2 });
            const [a, b] = urls;
            const busy = [await begin(a), await begin(a)] as const;
            const elsewhere = await begin(b);
            const [first, second] = busy;
            const held = await call(a, first, 'hold', { gate: 'first' });
            await call(a, second, 'hold', { gate: 'second' });
            await Promise.all(['first', 'second'].map(gate => cluster.gates.arrival(gate)));
            for (const refused of [
                await post(a, initializeMessage()),
                await call(a, elsewhere, 'whoami'),
                await get(a, { session: elsewhere }),
                await post(a, { jsonrpc: '2.0', method: 'notifications/roots/list_changed' }, { session: elsewhere })
            ]) {
                expect(refused.status).toBe(503);
                expect(refused.header('retry-after')).toMatch(/^\d+$/);
                expect(refused.header('mcp-session-id')).toBeUndefined();
                expect(await refused.json()).toMatchObject(capacityRefusal);
            }
            // Those that have their place are served as ever.
            expect(await callTool(a, first, 'whoami')).toMatchObject({ node: 'node-1' });
            cluster.gates.open('first');
            expect(toolResult(await held.message(isFinal))).toBe('held on node-1');
            expect(await callTool(a, elsewhere, 'whoami')).toMatchObject({ node: 'node-1' });
            expect(nodes[0].handler.liveSessions).toBe(2);
            cluster.gates.open('second');
        });

        test('the limit holds for sessions that are made at the same time', async () => {
            const { urls, nodes, stores } = await start({ maxLiveSessions: 2 });
            const [a, b] = urls;
            const elsewhere = [await begin(b), await begin(b)];
            const gate = new Gate();
            for (const operation of ['sessions.create', 'sessions.open'] as const) {
                stores[0].intervene(operation, gate.before);
            }
            const requests = [
                ...Array.from({ length: 10 }, () => post(a, initializeMessage())),
                ...elsewhere.map(session => call(a, session, 'whoami'))
            ];
            const early: number[] = [];
            requests.forEach(request => void request.then(({ status }) => early.push(status)));
            // Two have a place, the others are refused without waiting for these.
            await expect.poll(() => early).toHaveLength(10);
            gate.open();
            const statuses = (await Promise.all(requests)).map(({ status }) => status);
            expect(statuses.filter(status => status === 200)).toHaveLength(2);
            expect(statuses.filter(status => status === 503)).toHaveLength(10);
            expect(nodes[0].handler.liveSessions).toBe(2);
            expect((await post(a, initializeMessage())).status).toBe(200);
        });
    },
    memoryOnly
);

describeOnStores(
    'R7: a server that the application closes is only this copy',
    start => {
        test('the record is untouched, and the next request restores the session', async () => {
            const servers: SessionServer[] = [];
            const nodes = await start({
                factory: (context, node) => {
                    const server = buildServer(node.name, context, node.log, nodes.cluster.gates);
                    servers.push(server);
                    return server;
                }
            });
            const [a, b] = nodes.urls;
            const session = await begin(a);
            expect(await callTool(b, session, 'whoami')).toMatchObject({ node: 'node-2' });
            await servers[0]?.close();
            expect(nodes.nodes[0].log.closed).toEqual([session]);
            expect(await callTool(b, session, 'whoami')).toMatchObject({ node: 'node-2' });
            expect(await callTool(a, session, 'whoami')).toMatchObject({ node: 'node-1', clientCapabilities: CLIENT_CAPABILITIES });
            expect(nodes.nodes[0].log.built.map(({ restored }) => restored)).toEqual([false, true]);
            expect(nodes.nodes[1].log.built).toHaveLength(1);
        });

        test.each([
            { enableJsonResponse: true, resumable: false },
            { enableJsonResponse: false, resumable: false },
            { enableJsonResponse: false, resumable: true }
        ])('requests that it has not answered are answered with an error %o', async options => {
            const servers: SessionServer[] = [];
            const nodes = await start({
                ...options,
                factory: (context, node) => {
                    const server = buildServer(node.name, context, node.log, nodes.cluster.gates);
                    servers.push(server);
                    return server;
                }
            });
            const [a] = nodes.urls;
            const session = await begin(a);
            const answer = call(a, session, 'hold', { gate: 'never' }, { id: 'held' });
            await nodes.cluster.gates.arrival('never');
            await servers[0]?.close();
            expect(await (await answer).json()).toMatchObject({ id: 'held', error: { code: -32000 } });
            expect(nodes.nodes[0].log.aborted).toEqual([{ sessionId: session, requestId: 'held' }]);
            expect(await callTool(a, session, 'whoami')).toMatchObject({ node: 'node-1' });
        });
    },
    memoryOnly
);

describeOnStores(
    'R7: a copy that is dropped under a request does not look like the end of the session',
    start => {
        test.each(['sessions.touch', 'streams.hold'] as const)('a node that drains while it waits for %s', async operation => {
            const { urls, nodes, stores } = await start();
            const [a, b] = urls;
            const session = await begin(a);
            const gate = new Gate();
            const isOnItsWay = stores[0].next(operation);
            stores[0].intervene(operation, gate.after);
            const answer = operation === 'streams.hold' ? get(a, { session }) : call(a, session, 'whoami');
            await isOnItsWay;
            await nodes[0].handler.close({ deadlineMs: 1 });
            gate.open();
            expect((await answer).status).toBe(503);
            expect((await answer).header('retry-after')).toMatch(/^\d+$/);
            expect(await callTool(b, session, 'whoami')).toMatchObject({ node: 'node-2' });
        });
    },
    memoryOnly
);

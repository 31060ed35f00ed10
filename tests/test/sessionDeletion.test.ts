import { expect, test } from 'vitest';
import { faces, type TestNode } from './support/cluster.ts';
import { begin, call, callTool, del, get, isFinal, post } from './support/mcpRequests.ts';
import { buildServer } from './support/testServer.ts';
import { describeOnStores, memoryOnly, type WatchedNodes } from './support/watchedNodes.ts';
import { Gate, rejectWith } from './support/watchedStore.ts';

function ended(node: TestNode, sessionId: string): Promise<unknown> {
    return node.event(event => event.type === 'session.ended' && event.sessionId === sessionId);
}

/** What the store has of a session, seen without a node. */
async function stored({ store }: WatchedNodes, session: string, streams: readonly string[] = []): Promise<unknown[]> {
    const record = await store.sessions.open(session, { ttlMs: 60_000 });
    const logs = await Promise.all(streams.map(async stream => store.streams?.read(session, stream, undefined, 10)));
    return [record.status, ...logs.map(log => log?.status)];
}

/** The event logs that nodes have written for a session. */
function logsOf({ stores }: WatchedNodes, session: string): string[] {
    const calls = stores.flatMap(store => store.calls).filter(({ operation }) => /^streams\.(append|publish)$/.test(operation));
    return [...new Set(calls.filter(({ args }) => args[0] === session).map(({ args }) => String(args[1])))];
}

describeOnStores('R8: DELETE at any node ends the session everywhere', start => {
    test.each([
        { what: 'the node that made it', index: 0 },
        { what: 'another node that holds a copy', index: 1 },
        { what: 'a node that never saw it', index: 2 }
    ] as const)('at $what', async ({ index }) => {
        const nodes = await start();
        const { urls, cluster } = nodes;
        const [a, b] = urls;
        const session = await begin(a);
        const other = await begin(a, { at: b });
        const stream = await get(a, { session });
        const [heldByA, heldByB] = [
            await call(a, session, 'hold', { gate: 'a' }, { id: 'held-a' }),
            await call(b, session, 'hold', { gate: 'b' }, { id: 'held-b' })
        ];
        await Promise.all([cluster.gates.arrival('a'), cluster.gates.arrival('b')]);

        const answer = await del(urls[index], { session });
        expect(answer.status).toBe(200);
        for (const url of urls) {
            expect((await call(url, session, 'whoami')).status).toBe(404);
        }
        const holders = [nodes.nodes[0], nodes.nodes[1]];
        await Promise.all(holders.map(node => ended(node, session)));
        expect(await heldByA.message(isFinal)).toMatchObject({ id: 'held-a', error: { code: -32000 } });
        expect(await heldByB.message(isFinal)).toMatchObject({ id: 'held-b', error: { code: -32000 } });
        await Promise.all([stream.ended(), heldByA.ended(), heldByB.ended()]);
        expect(holders.map(({ log }) => log.aborted.map(({ requestId }) => requestId))).toEqual([['held-a'], ['held-b']]);
        expect(holders.map(({ log }) => log.closed)).toEqual([[session], [session]]);
        expect(nodes.nodes[2].log.built).toEqual([]);
        const logs = logsOf(nodes, session);
        expect(logs.length).toBeGreaterThanOrEqual(2);
        expect(await stored(nodes, session, logs)).toEqual(['missing', ...logs.map(() => 'unknown')]);
        // Nobody else is hurt.
        expect(await callTool(a, other, 'whoami')).toMatchObject({ sessionId: other });
        expect(await callTool(b, other, 'whoami')).toMatchObject({ sessionId: other });
    });

    test('once: of two at the same time one is 200 and the other 404, and the application is told once', async () => {
        const told: string[] = [];
        const { urls } = await start({ onsessionclosed: sessionId => void told.push(sessionId) });
        const [a, b] = urls;
        const session = await begin(a, { at: b });
        const answers = await Promise.all([del(a, { session }), del(b, { session })]);
        expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 404]);
        expect(told).toEqual([session]);
    });

    test('what a handler does that can not be stopped leaves no trace', async () => {
        const nodes = await start();
        const { urls, cluster } = nodes;
        const [a, b] = urls;
        const session = await begin(a);
        const stubborn = await call(a, session, 'stubborn', { gate: 'late' });
        await cluster.gates.arrival('late');
        expect((await del(b, { session })).status).toBe(200);
        await ended(nodes.nodes[0], session);
        await stubborn.ended();
        const logs = logsOf(nodes, session);
        cluster.gates.open('late');
        // A whole call of another session comes after what the handler did.
        await callTool(a, await begin(a), 'announce', { text: 'x' });
        expect(await stored(nodes, session, logs)).toEqual(['missing', ...logs.map(() => 'unknown')]);
        expect((await call(b, session, 'whoami')).status).toBe(404);
    });
});

describeOnStores('R8: DELETE wins every race', start => {
    test('against a record that is being read', async () => {
        const nodes = await start();
        const { urls, stores } = nodes;
        const [a, b] = urls;
        const session = await begin(a);
        const gate = new Gate();
        const isReading = stores[1].next('sessions.open');
        let hasRead = (): void => undefined;
        const isRead = new Promise<void>(resolve => (hasRead = resolve));
        stores[1].intervene('sessions.open', async proceed => {
            const answer = await proceed();
            hasRead();
            await gate.opened;
            return answer;
        });
        const late = [call(b, session, 'whoami'), get(b, { session })];
        await isReading;
        await isRead;
        const isTold = stores[1].delivered(messages => messages.some(message => message.includes('deleted')));
        expect((await del(a, { session })).status).toBe(200);
        await isTold;
        gate.open();
        expect((await Promise.all(late)).map(({ status }) => status)).toEqual([404, 404]);
        expect(nodes.nodes[1].handler.liveSessions).toBe(0);
        expect(nodes.nodes[1].log.built).toEqual([]);
        expect(await stored(nodes, session)).toEqual(['missing']);
    });

    test('against a server that is being restored', async () => {
        const gate = new Gate();
        let begun = (): void => undefined;
        const hasBegun = new Promise<void>(resolve => (begun = resolve));
        const nodes: WatchedNodes = await start({
            factory: async (context, node) => {
                if (context.restored) {
                    begun();
                    await gate.opened;
                }
                return buildServer(node.name, context, node.log, nodes.cluster.gates);
            }
        });
        const [a, b] = nodes.urls;
        const session = await begin(a);
        const late = [call(b, session, 'whoami'), post(b, { jsonrpc: '2.0', method: 'notifications/roots/list_changed' }, { session })];
        await hasBegun;
        expect((await del(a, { session })).status).toBe(200);
        await ended(nodes.nodes[1], session);
        expect((await call(b, session, 'whoami')).status).toBe(404);
        gate.open();
        expect((await Promise.all(late)).map(({ status }) => status)).toEqual([404, 404]);
        expect(nodes.nodes[1].handler.liveSessions).toBe(0);
        expect(nodes.nodes[1].log.closed).toEqual([session]);
        expect(await stored(nodes, session, logsOf(nodes, session))).toEqual(['missing', 'unknown']);
    });

    test('against an update of the record', async () => {
        const nodes = await start();
        const { urls, stores } = nodes;
        const [a, b] = urls;
        const session = await begin(a);
        const gate = new Gate();
        stores[0].intervene('sessions.update', gate.before);
        const isUpdating = stores[0].next('sessions.update');
        const setting = post(a, { jsonrpc: '2.0', id: 'set', method: 'logging/setLevel', params: { level: 'info' } }, { session });
        await isUpdating;
        const confirming = post(a, { jsonrpc: '2.0', method: 'notifications/initialized' }, { session });
        await stores[0].next('sessions.update');
        expect((await del(b, { session })).status).toBe(200);
        await ended(nodes.nodes[0], session);
        gate.open();
        expect((await confirming).status).toBe(404);
        expect(await (await setting).json()).toMatchObject({ id: 'set', error: { code: -32000 } });
        expect(await stored(nodes, session)).toEqual(['missing']);
    });

    test('against a request that was let in a moment ago', async () => {
        const nodes = await start();
        const { urls, stores } = nodes;
        const [a, b] = urls;
        const session = await begin(a);
        const gate = new Gate();
        const isIn = stores[0].next('sessions.touch');
        stores[0].intervene('sessions.touch', gate.after);
        const late = call(a, session, 'whoami');
        await isIn;
        expect((await del(b, { session })).status).toBe(200);
        await ended(nodes.nodes[0], session);
        gate.open();
        expect((await late).status).toBe(404);
        expect(await stored(nodes, session)).toEqual(['missing']);
    });

    test('against a stream that is being opened', async () => {
        const nodes = await start();
        const { urls, stores } = nodes;
        const [a, b] = urls;
        const session = await begin(a);
        const gate = new Gate();
        const isOpening = stores[0].next('streams.hold');
        stores[0].intervene('streams.hold', gate.after);
        const late = get(a, { session });
        await isOpening;
        expect((await del(b, { session })).status).toBe(200);
        await ended(nodes.nodes[0], session);
        gate.open();
        expect((await late).status).toBe(404);
        expect(await stored(nodes, session)).toEqual(['missing']);
    });

    test('against a copy that is being dropped', async () => {
        const nodes = await start({ liveSessionIdleMs: 1 });
        const { urls, stores } = nodes;
        const [a, b] = urls;
        const gate = new Gate();
        stores[0].intervene('sessions.leave', gate.before);
        const isLeaving = stores[0].next('sessions.leave');
        const session = await begin(a);
        await isLeaving;
        expect((await del(b, { session })).status).toBe(200);
        gate.open();
        expect((await call(a, session, 'whoami')).status).toBe(404);
        expect(await stored(nodes, session)).toEqual(['missing']);
    });
});

describeOnStores(
    'R8: what goes wrong with DELETE',
    start => {
        test('a store that fails makes it 503, and the session goes on', async () => {
            const { urls, stores, nodes } = await start();
            const [a, b] = urls;
            const session = await begin(a);
            const mend = stores[1].intervene('sessions.delete', rejectWith(new Error('down')));
            expect((await del(b, { session })).status).toBe(503);
            mend();
            expect(await callTool(a, session, 'whoami')).toMatchObject({ node: 'node-1' });
            expect(nodes[0].log.built).toHaveLength(1);
            expect((await del(b, { session })).status).toBe(200);
        });

        test.each(faces)('onsessionclosed that fails makes it 500, and the session is gone all the same [%s]', async face => {
            const { urls } = await start({ face, onsessionclosed: () => Promise.reject(new Error('No')) });
            const session = await begin(urls[0]);
            expect((await del(urls[1], { session })).status).toBe(500);
            for (const url of urls) {
                expect((await call(url, session, 'whoami')).status).toBe(404);
            }
        });

        test('a store that passes no messages: other nodes learn of it with the next request or renewal', async () => {
            const { urls, nodes } = await start({ capabilities: { inboxes: false }, sessionTtlMs: 600 });
            const [a, b] = urls;
            const session = await begin(a);
            const stream = await get(a, { session });
            expect(nodes[0].handler.capabilities).toMatchObject({ routing: false });
            expect((await del(b, { session })).status).toBe(200);
            expect((await call(a, session, 'whoami')).status).toBe(404);
            await stream.ended();
            expect(nodes[0].handler.liveSessions).toBe(0);
        });
    },
    memoryOnly
);

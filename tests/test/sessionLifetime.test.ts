import { InMemoryTransportStore } from '@modelcontextprotocol/sdk/server/inMemoryTransportStore.js';
import { afterEach, describe, expect, test } from 'vitest';
import { TestCluster, type ClusterOptions } from './support/cluster.ts';
import { begin, call, callTool, get, isFinal, toolResult } from './support/mcpRequests.ts';
import { sessionRequests } from './support/sessionRequests.ts';
import { describeOnStores, memoryOnly } from './support/watchedNodes.ts';
import type { WatchedStore } from './support/watchedStore.ts';

describe('R7: a session lives for as long as it is used, and not longer than it may', () => {
    let cluster: TestCluster;
    let now = 0;
    const minute = 60_000;

    /** Nodes whose store has a clock of the test's own. */
    async function start(options: ClusterOptions): Promise<string[]> {
        const store = new InMemoryTransportStore({ now: () => now });
        cluster = await TestCluster.start(3, { ...options, store });
        return cluster.nodes.map(({ url }) => url);
    }

    afterEach(() => cluster.close());

    test.each(sessionRequests.filter(({ what }) => what !== 'DELETE'))('$what renews it, at any node', async ({ send }) => {
        const [a = '', b = '', c = ''] = await start({ sessionTtlMs: minute });
        const session = await begin(a);
        for (const url of [b, c, a, b]) {
            now += minute - 1;
            const answer = await send(url, { session });
            expect(answer.status).not.toBe(404);
            answer.disconnect();
        }
        now += minute - 1;
        expect(await callTool(c, session, 'whoami')).toMatchObject({ node: 'node-3' });
        now += minute;
        for (const url of [a, b, c]) {
            expect((await call(url, session, 'whoami')).status).toBe(404);
        }
    });

    test('requests that are refused do not renew it', async () => {
        const [a = '', b = '', c = ''] = await start({ sessionTtlMs: minute });
        const session = await begin(a, { user: 'ada' });
        now += minute - 1;
        for (const url of [a, b, c]) {
            expect((await call(url, session, 'whoami', {}, { user: 'eve' })).status).toBe(404);
            expect((await call(url, session, 'whoami', {}, { user: 'ada', version: '1999-01-01' })).status).toBe(400);
        }
        now += 1;
        for (const url of [a, b, c]) {
            expect((await call(url, session, 'whoami', {}, { user: 'ada' })).status).toBe(404);
        }
    });

    test('no use extends it beyond maxSessionAgeMs', async () => {
        const [a = '', b = '', c = ''] = await start({ sessionTtlMs: minute, maxSessionAgeMs: 2.5 * minute });
        const session = await begin(a);
        for (const url of [b, c, a]) {
            now += minute * 0.8;
            expect(await callTool(url, session, 'whoami')).toMatchObject({ sessionId: session });
        }
        now += minute * 0.1 - 1;
        expect(await callTool(a, session, 'whoami')).toMatchObject({ sessionId: session });
        now += 1;
        for (const url of [a, b, c]) {
            expect((await call(url, session, 'whoami')).status).toBe(404);
        }
    });
});

/** Resolves when the node has renewed sessions so often that, had it not, they would have expired more than once. */
async function renewedBeyond(ttlMs: number, store: WatchedStore, session: string): Promise<void> {
    const end = Date.now() + 2 * ttlMs;
    while (Date.now() < end) {
        await store.next(({ operation, args }) => operation === 'sessions.touch' && args[0] === session);
    }
}

describeOnStores('R7: a session is used while a stream is open or a call runs', (start, kind) => {
    const sessionTtlMs = 1_500;

    test.each(kind.name === 'memory' ? [true, false] : [false])('both renew it (JSON: %o)', async enableJsonResponse => {
        const { urls, nodes, stores, store, cluster } = await start({ sessionTtlMs, enableJsonResponse });
        const [a, b, c] = urls;
        const [unused, listening, calling, deserted] = [await begin(a), await begin(a), await begin(a), await begin(a)];
        const stream = await get(b, { session: listening });
        const held = call(b, calling, 'hold', { gate: 'call' });
        await cluster.gates.arrival('call');
        const abandoned = enableJsonResponse ? undefined : await call(b, deserted, 'hold', { gate: 'deserted' });
        abandoned?.disconnect();

        await Promise.all([listening, calling].map(session => renewedBeyond(sessionTtlMs, stores[1], session)));
        // Were it not for the use, they would be gone.
        expect(await store.sessions.nodes(unused)).toEqual([]);
        expect((await call(c, unused, 'whoami')).status).toBe(404);
        for (const session of enableJsonResponse ? [listening, calling] : [listening, calling, deserted]) {
            expect(await callTool(c, session, 'whoami')).toMatchObject({ node: 'node-3', sessionId: session });
        }
        cluster.gates.open('call');
        const answer = await held;
        expect(toolResult(enableJsonResponse ? await answer.json() : await answer.message(isFinal))).toBe('held on node-2');
        await callTool(a, listening, 'announce', { text: 'still here' });
        expect((await stream.message()).params).toMatchObject({ data: { text: 'still here' } });
        stream.disconnect();
        expect(nodes[1].errors).toEqual([]);
    });
});

describeOnStores(
    'R7: a session that is no longer used ends',
    start => {
        test('when its last stream has closed and its last call is over', async () => {
            const { urls, stores, store, cluster } = await start({ sessionTtlMs: 600 });
            const [a, b] = urls;
            const session = await begin(a);
            const stream = await get(b, { session });
            const held = await call(b, session, 'hold', { gate: 'call' });
            await renewedBeyond(600, stores[1], session);
            cluster.gates.open('call');
            await held.ended();
            stream.disconnect();
            await expect.poll(() => store.sessions.nodes(session), { timeout: 5_000 }).toEqual([]);
            expect((await call(a, session, 'whoami')).status).toBe(404);
        });
    },
    memoryOnly
);

describeOnStores('R7: the absolute limit ends a session that is in use', start => {
    test('streams are closed, calls aborted, and copies dropped, on all nodes', async () => {
        const { urls, nodes, cluster } = await start({ sessionTtlMs: 600, maxSessionAgeMs: 1_200 });
        const [a, b, c] = urls;
        const session = await begin(a);
        const stream = await get(b, { session });
        expect(stream.status).toBe(200);
        const held = await call(c, session, 'hold', { gate: 'call' }, { id: 'held' });
        await cluster.gates.arrival('call');
        for (const node of [nodes[1], nodes[2]]) {
            expect(await node.event(({ type }) => type === 'session.ended')).toMatchObject({ sessionId: session, reason: 'gone' });
            expect(node.handler.liveSessions).toBe(0);
        }
        await stream.ended();
        expect(await held.message(isFinal)).toMatchObject({ id: 'held', error: { code: -32000 } });
        await held.ended();
        expect(nodes[2].log.aborted).toEqual([{ sessionId: session, requestId: 'held' }]);
        expect(nodes[2].log.closed).toEqual([session]);
        for (const url of urls) {
            expect((await call(url, session, 'whoami')).status).toBe(404);
        }
    });
});

import { TransportStoreError } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { expect, test } from 'vitest';
import type { TestNode } from './support/cluster.ts';
import { accepted, asks, notify, reply } from './support/clientMessages.ts';
import { begin, call, callTool, get, isFinal, toolResult } from './support/mcpRequests.ts';
import { onEveryStore } from './support/onEveryStore.ts';

const version = '2025-11-25';

function codes({ errors }: TestNode): string[] {
    return errors.map(error => (error instanceof TransportStoreError ? error.code : error.message));
}

onEveryStore('R17: nodes of two releases share a store', start => {
    test('a session of a newer release is refused with 503 on every method, reported, and left as it is', async () => {
        const { urls, cluster, store } = await start();
        const [a] = urls;
        const mine = await begin(a);
        const record = JSON.stringify({ version: 2, whatever: 'comes' });
        await store.sessions.create('newer', { record, state: {}, ttlMs: 60_000 });
        for (const answer of [
            await call(a, 'newer', 'whoami'),
            await notify(a, 'newer', 'notifications/initialized'),
            await get(a, { session: 'newer', version })
        ]) {
            expect(answer.status).toBe(503);
            expect(answer.header('retry-after')).toMatch(/^\d+$/);
            expect((await answer.json()).error).toMatchObject({ data: 'STORE_NEWER_VERSION' });
        }
        expect(codes(cluster.node(0))).toEqual(['STORE_NEWER_VERSION', 'STORE_NEWER_VERSION', 'STORE_NEWER_VERSION']);
        expect(await store.sessions.open('newer', { ttlMs: 60_000 })).toMatchObject({ session: { record, revision: 1 } });
        expect(await callTool(a, mine, 'whoami')).toMatchObject({ node: 'node-1' });
    });

    test('messages of a newer release, and what is no message, are reported; the node goes on with those behind them', async () => {
        const { urls, cluster, store } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const answer = await call(a, session, 'ask', { text: 'Name?' });
        const question = await answer.message(asks('elicitation/create'));
        const [node = ''] = await store.sessions.nodes(session);
        const deleted = { from: 'tester', kind: 'deleted', session };
        await store.inboxes.send(node, [
            JSON.stringify({ ...deleted, version: 2, id: 1 }),
            'no JSON',
            JSON.stringify({ ...deleted, version: 1, id: 2, kind: 'unheard-of' }),
            JSON.stringify({ ...deleted, version: 1 })
        ]);
        expect((await reply(b, session, accepted(question.id, 'Ada'))).status).toBe(202);
        expect(toolResult(await answer.message(isFinal))).toMatchObject({ answer: { content: { value: 'Ada' } } });
        expect(codes(cluster.node(0))).toEqual(['STORE_NEWER_VERSION', 'STORE_CORRUPT', 'STORE_CORRUPT', 'STORE_CORRUPT']);
    });

    test('fields that a newer release of the same version has added are passed over', async () => {
        const { urls, cluster, store } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const stored = await store.sessions.open(session, { ttlMs: 60_000 });
        const record: unknown = JSON.parse(stored.status === 'ok' ? stored.session.record : '');
        await store.sessions.create('same', {
            record: JSON.stringify({ ...Object(record), added: 1 }),
            state: { added: '1' },
            ttlMs: 60_000
        });
        expect(await callTool(b, 'same', 'whoami')).toMatchObject({ clientInfo: { name: 'test-client' } });
        const [node = ''] = await store.sessions.nodes(session);
        await store.inboxes.send(node, [JSON.stringify({ version: 1, from: 'tester', id: 1, kind: 'deleted', session, added: 1 })]);
        await expect.poll(() => cluster.node(0).handler.liveSessions).toBe(0);
        expect(cluster.nodes.flatMap(codes)).toEqual([]);
    });

    test('events of a kind that a newer release has added are passed over, and are no gap', async () => {
        const { urls, store } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const stream = await get(a, { session, version });
        await callTool(b, session, 'announce', { text: 'one' });
        const { eventId } = await stream.message();
        const streamId = eventId?.split('.')[0] ?? '';
        await store.streams.publish(session, streamId, ['new kind'], { ttlMs: 60_000, maxEvents: 100 });
        await callTool(b, session, 'announce', { text: 'two' });
        expect((await stream.message()).params?.['data']).toMatchObject({ text: 'two' });
        const resumed = await get(b, { session, version, lastEventId: eventId });
        expect((await resumed.message()).params?.['data']).toMatchObject({ text: 'two' });
        resumed.disconnect();
    });
});

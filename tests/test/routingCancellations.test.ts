import { expect, test } from 'vitest';
import type { TestCluster } from './support/cluster.ts';
import { accepted, asks, cancel, reply, toolCall } from './support/clientMessages.ts';
import { begin, call, callTool, get, isFinal, post, toolResult, type WireAnswer } from './support/mcpRequests.ts';
import { onEveryStore } from './support/onEveryStore.ts';

/** Calls the tool that waits at a gate, and waits until it does. */
async function hold(
    cluster: TestCluster,
    url: string,
    session: string,
    { id, gate = `gate of ${id}` }: { id: string | number; gate?: string }
): Promise<WireAnswer> {
    const answer = await call(url, session, 'hold', { gate }, { id });
    await cluster.gates.arrival(gate);
    return answer;
}

async function finals(answer: WireAnswer): Promise<unknown[]> {
    return (await answer.all()).flatMap(({ message }) => (message && isFinal(message) ? [message.id] : []));
}

onEveryStore('R12: a cancellation reaches the request wherever it runs', start => {
    test('posted at any node, for ids of every kind: the handler is aborted and its stream ends without a response', async () => {
        const { cluster, urls } = await start();
        const session = await begin(urls[0]);
        for (const [index, id] of [7, 'seven', ''].entries()) {
            const answer = await hold(cluster, urls[0], session, { id });
            expect((await cancel(urls[index] ?? '', session, id)).status).toBe(202);
            expect(await finals(answer)).toEqual([]);
        }
        // The SDK takes no notice of the cancellation of an id that is empty or 0; the stream ends all the same.
        expect(cluster.node(0).log.aborted.map(({ requestId }) => requestId)).toEqual([7, 'seven']);
    });

    test('a string is another id than the number that it spells', async () => {
        const { cluster, urls } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const answer = await hold(cluster, a, session, { id: 7 });
        expect((await cancel(b, session, '7')).status).toBe(202);
        cluster.gates.open('gate of 7');
        expect(toolResult(await answer.message(isFinal))).toBe('held on node-1');
        expect(cluster.node(0).log.aborted).toEqual([]);
    });

    test('of a batch only the request that is cancelled', async () => {
        const { cluster, urls } = await start();
        const [a, b] = urls;
        const version = '2025-03-26';
        const session = await begin(a, { version });
        const answer = await post(a, [toolCall(1, 'hold', { gate: 'one' }), toolCall(2, 'hold', { gate: 'two' })], { session, version });
        await Promise.all([cluster.gates.arrival('one'), cluster.gates.arrival('two')]);
        expect((await cancel(b, session, 1, { version })).status).toBe(202);
        await expect.poll(() => cluster.node(0).log.aborted).toEqual([{ sessionId: session, requestId: 1 }]);
        cluster.gates.open('two');
        expect(await finals(answer)).toEqual([2]);
    });

    test('a JSON answer is settled with an error for what was cancelled', async () => {
        const { cluster, urls } = await start({ enableJsonResponse: true });
        const [a, b] = urls;
        const version = '2025-03-26';
        const session = await begin(a, { version });
        const single = call(a, session, 'hold', { gate: 'single' }, { id: 5 });
        await cluster.gates.arrival('single');
        expect((await cancel(b, session, 5)).status).toBe(202);
        expect(await (await single).json()).toMatchObject({ id: 5, error: { message: 'Request cancelled' } });

        const both = post(a, [toolCall(1, 'hold', { gate: 'one' }), toolCall(2, 'hold', { gate: 'two' })], { session, version });
        await Promise.all([cluster.gates.arrival('one'), cluster.gates.arrival('two')]);
        expect((await cancel(b, session, 1, { version })).status).toBe(202);
        await expect.poll(() => cluster.node(0).log.aborted).toHaveLength(2);
        cluster.gates.open('two');
        expect(await (await both).json()).toMatchObject([
            { id: 1, error: { message: 'Request cancelled' } },
            { id: 2, result: {} }
        ]);
    });

    test('a stream that was resumed elsewhere ends too', async () => {
        const { cluster, urls } = await start();
        const [a, b, c] = urls;
        const session = await begin(a);
        const first = await hold(cluster, a, session, { id: 7 });
        const { id: lastEventId } = await first.next();
        first.disconnect();
        const resumed = await get(b, { session, version: '2025-11-25', lastEventId });
        expect(resumed.status).toBe(200);
        expect((await cancel(c, session, 7)).status).toBe(202);
        expect(await finals(resumed)).toEqual([]);
        expect(cluster.node(0).log.aborted).toEqual([{ sessionId: session, requestId: 7 }]);
    });

    test('of an id that is unknown, or was answered: 202, and nothing else ends', async () => {
        const { cluster, urls } = await start();
        const [a, b, c] = urls;
        const session = await begin(a);
        await callTool(b, session, 'whoami', {}, { headers: {} });
        const done = await call(b, session, 'whoami', {}, { id: 1 });
        await done.ended();
        const running = await hold(cluster, a, session, { id: 7 });
        for (const url of [a, b, c]) {
            for (const id of [1, 8, 'stranger']) {
                expect((await cancel(url, session, id)).status).toBe(202);
            }
        }
        cluster.gates.open('gate of 7');
        expect(toolResult(await running.message(isFinal))).toBe('held on node-1');
    });

    test('by another session it does nothing, though the id is the same', async () => {
        const { cluster, urls } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const other = await begin(a, { at: b });
        const mine = await hold(cluster, a, session, { id: 7, gate: 'mine' });
        const theirs = await hold(cluster, a, other, { id: 7, gate: 'theirs' });
        expect((await cancel(b, other, 7)).status).toBe(202);
        expect(await finals(theirs)).toEqual([]);
        cluster.gates.open('mine');
        expect(toolResult(await mine.message(isFinal))).toBe('held on node-1');
        expect(cluster.node(0).log.aborted).toEqual([{ sessionId: other, requestId: 7 }]);
    });

    test('a request that has asked the client: the reply that crosses the cancellation does no harm', async () => {
        const { urls } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const answer = await call(a, session, 'ask', { text: 'Name?' }, { id: 7 });
        const question = await answer.message(asks('elicitation/create'));
        expect((await cancel(b, session, 7)).status).toBe(202);
        expect(await finals(answer)).toEqual([]);
        expect((await reply(b, session, accepted(question.id, 'Ada'))).status).toBe(202);
        expect(await callTool(a, session, 'whoami')).toMatchObject({ node: 'node-1' });
    });

    test('while the store is down: 503, and it is taken when the store is back', async () => {
        const { cluster, urls, ways } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const answer = await hold(cluster, a, session, { id: 7 });
        ways.forEach(way => way.cut());
        expect((await cancel(b, session, 7)).status).toBe(503);
        ways.forEach(way => way.mend());
        expect((await cancel(b, session, 7)).status).toBe(202);
        expect(await finals(answer)).toEqual([]);
    });
});

import { expect, test } from 'vitest';
import { accepted, asks, cancel, notify, reply } from './support/clientMessages.ts';
import { begin, call, callTool, del, get, initializeMessage, isFinal, post, toolResult, type WireAnswer } from './support/mcpRequests.ts';
import { onEveryStore } from './support/onEveryStore.ts';

const version = '2025-11-25';
/** Longer than any test may take: a drain that waits for it fails. */
const patient = { deadlineMs: 60_000 };

function isUnavailable(answer: WireAnswer): boolean {
    return answer.status === 503 && /^\d+$/.test(answer.header('retry-after') ?? '');
}

onEveryStore('R16: a node drains', start => {
    test('what runs is finished, new requests are sent elsewhere, streams end with a hint, and the node leaves', async () => {
        const { urls, cluster, store } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const running = await call(a, session, 'hold', { gate: 'gate' });
        const listening = await get(a, { session, version });
        const nodes = await store.sessions.nodes(session);
        const closed = cluster.node(0).handler.close(patient);
        await listening.ended();
        // The SDK's client comes back at most twice, after this time: soon enough it would come to the same node, which refuses it.
        expect(listening.retries).toEqual([1_000]);

        expect(await cluster.node(0).handler.isReady()).toBe(false);
        expect(isUnavailable(await call(a, session, 'whoami'))).toBe(true);
        expect(isUnavailable(await get(a, { session, version }))).toBe(true);
        expect(isUnavailable(await post(a, initializeMessage()))).toBe(true);
        expect(await callTool(b, session, 'whoami')).toMatchObject({ node: 'node-2' });

        cluster.gates.open('gate');
        expect(toolResult(await running.message(isFinal))).toBe('held on node-1');
        await closed;
        expect(await store.inboxes.alive(nodes)).toEqual([]);
        expect(await store.sessions.nodes(session)).not.toContain(nodes[0]);
        expect(isUnavailable(await call(a, session, 'whoami'))).toBe(true);
        expect(isUnavailable(await notify(a, session, 'notifications/roots/list_changed'))).toBe(true);
        expect(await callTool(b, session, 'whoami')).toMatchObject({ node: 'node-2' });
    });

    test('replies to its questions still arrive, at itself and from elsewhere, and so do progress and cancellations', async () => {
        const { urls, cluster } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const asking = [await call(a, session, 'ask', { text: 'one' }), await call(a, session, 'ask', { text: 'two' })];
        const held = await call(a, session, 'hold', { gate: 'gate' }, { id: 'held' });
        await cluster.gates.arrival('gate');
        const closed = cluster.node(0).handler.close(patient);
        for (const [index, answer] of asking.entries()) {
            const question = await answer.message(asks('elicitation/create'));
            const url = [a, b][index] ?? '';
            const progress = await notify(url, session, 'notifications/progress', { progressToken: question.id, progress: 1 });
            expect(progress.status).toBe(202);
            expect((await reply(url, session, accepted(question.id, 'Ada'))).status).toBe(202);
            expect(toolResult(await answer.message(isFinal))).toMatchObject({ answer: { content: { value: 'Ada' } }, progress: [1] });
        }
        expect((await cancel(b, session, 'held')).status).toBe(202);
        await held.ended();
        await closed;
        expect(cluster.node(0).log.aborted).toContainEqual({ sessionId: session, requestId: 'held' });
    });

    test('what takes longer than the deadline is answered with an error, also for who asks elsewhere', async () => {
        const { urls, cluster } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const running = await call(a, session, 'hold', { gate: 'gate' }, { id: 7 });
        const { id: lastEventId } = await running.next();
        await cluster.gates.arrival('gate');
        await cluster.node(0).handler.close({ deadlineMs: 50 });
        const error = { message: 'The server process that handled this request is shutting down' };
        expect(await running.message(isFinal)).toMatchObject({ id: 7, error });
        expect(cluster.node(0).log.aborted).toEqual([{ sessionId: session, requestId: 7 }]);
        const resumed = await get(b, { session, version, lastEventId });
        expect(await resumed.message(isFinal)).toMatchObject({ id: 7, error });
        await resumed.ended();
    });

    test('a JSON answer that takes longer is an error document', async () => {
        const { urls, cluster } = await start({ enableJsonResponse: true });
        const session = await begin(urls[0]);
        const running = call(urls[0], session, 'hold', { gate: 'gate' }, { id: 7 });
        await cluster.gates.arrival('gate');
        await cluster.node(0).handler.close({ deadlineMs: 50 });
        expect(await (await running).json()).toMatchObject({ id: 7, error: {} });
    });

    test('clients that lost their connection find elsewhere what was finished, however slow the store', async () => {
        const { urls, cluster, ways } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const running = await call(a, session, 'progress', { steps: 3, gate: 'gate', pauseAt: 1 }, { progressToken: 'p' });
        const { id: lastEventId } = await running.next();
        await cluster.gates.arrival('gate');
        running.disconnect();
        const appending = ways[0]?.hold('streams.append');
        cluster.gates.open('gate');
        const closed = cluster.node(0).handler.close(patient);
        await appending?.reached;
        let hasLeft = false;
        void ways[0]?.done('sessions.leave').then(() => (hasLeft = true));
        const resumed = await get(b, { session, version, lastEventId });
        expect(await callTool(b, session, 'whoami')).toMatchObject({ node: 'node-2' });
        expect(hasLeft).toBe(false);
        appending?.release();
        await closed;
        const events = (await resumed.all()).flatMap(({ message }) => (message ? [message] : []));
        expect(events.map(({ params }) => params?.['progress'])).toEqual([1, 2, 3, undefined]);
        expect(events.at(-1)?.result).toBeDefined();
    });

    test.for([true, false])('a standalone stream goes on elsewhere without loss (with an event id: %s)', async withId => {
        const { urls, cluster } = await start();
        const [a, b, c] = urls;
        const session = await begin(a);
        const stream = await get(a, { session, version });
        await callTool(b, session, 'announce', { text: 'before' });
        const { eventId } = await stream.message();
        const closed = cluster.node(0).handler.close(patient);
        await stream.ended();
        await closed;
        await callTool(b, session, 'announce', { text: 'after' });
        const next = await get(c, { session, version, lastEventId: withId ? eventId : undefined });
        await callTool(b, session, 'announce', { text: 'live' });
        for (const text of ['after', 'live']) {
            expect((await next.message()).params?.['data']).toMatchObject({ text });
        }
        next.disconnect();
    });

    test('a session can be deleted at a node that drains', async () => {
        const { urls, cluster } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const running = await call(a, session, 'hold', { gate: 'gate' }, { id: 7 });
        await cluster.gates.arrival('gate');
        const closed = cluster.node(0).handler.close(patient);
        expect((await del(a, { session, version })).status).toBe(200);
        expect(await running.message(isFinal)).toMatchObject({ id: 7, error: { message: 'The session has ended' } });
        await closed;
        expect((await call(b, session, 'whoami')).status).toBe(404);
    });

    const requests: { what: string; send: (url: string, session: string) => Promise<WireAnswer> }[] = [
        { what: 'call', send: (url, session) => call(url, session, 'whoami') },
        { what: 'notification', send: (url, session) => notify(url, session, 'notifications/roots/list_changed') },
        { what: 'stream', send: (url, session) => get(url, { session, version }) }
    ];

    test.for(requests)('a $what that is being let in when it begins does not hold it up, and keeps its session', async ({ send }) => {
        const { urls, cluster, ways } = await start();
        const [a, b, c] = urls;
        const session = await begin(a, { at: b });
        // Where there is a copy of the session, and where it is being made.
        for (const [index, operation, url] of [
            [1, 'sessions.touch', b],
            [2, 'sessions.open', c]
        ] as const) {
            const letting = ways[index]?.hold(operation);
            const sent = send(url, session);
            await letting?.reached;
            const closed = cluster.node(index).handler.close(patient);
            letting?.release();
            const answer = await sent;
            expect([200, 202, 503]).toContain(answer.status);
            await answer.ended();
            await closed;
        }
        expect(await callTool(a, session, 'whoami')).toMatchObject({ node: 'node-1' });
    });

    test('although the store is down, within its deadlines', async () => {
        const { urls, cluster, ways } = await start();
        const session = await begin(urls[0]);
        const running = await call(urls[0], session, 'hold', { gate: 'gate' }, { id: 7 });
        await cluster.gates.arrival('gate');
        ways[0]?.cut();
        await cluster.node(0).handler.close({ deadlineMs: 100 });
        expect(await running.message(isFinal)).toMatchObject({ id: 7, error: {} });
    });

    test('a second close is the first', async () => {
        const { urls, cluster } = await start();
        const session = await begin(urls[0]);
        const running = await call(urls[0], session, 'hold', { gate: 'gate' });
        await cluster.gates.arrival('gate');
        const { handler } = cluster.node(0);
        const closing = [handler.close(patient), handler.close({ deadlineMs: 1 })];
        cluster.gates.open('gate');
        await Promise.all(closing);
        expect(toolResult(await running.message(isFinal))).toBe('held on node-1');
    });
});

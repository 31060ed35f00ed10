import { expect, test } from 'vitest';
import { accepted, asks, cancel, reply, toolCall } from './support/clientMessages.ts';
import {
    begin,
    call,
    callTool,
    del,
    get,
    isFinal,
    post,
    toolResult,
    type WireAnswer,
    type WireEvent,
    type WireMessage
} from './support/mcpRequests.ts';
import { onEveryStore, type StartedCluster } from './support/onEveryStore.ts';

const version = '2025-11-25';

/** Short, so that the tests are. Long enough that a busy machine renews it in time. */
const options = { nodeLeaseMs: 900 };

/** The node's HTTP server and its way to the store are gone at once, its lease is not. */
async function kill({ cluster, ways }: StartedCluster, index: number): Promise<void> {
    ways[index]?.cut();
    await cluster.node(index).stop();
}

/** Resolves when the lease of a node has run out. */
async function declaredDead({ store, cluster }: StartedCluster, node: string): Promise<void> {
    expect(cluster.nodes.length).toBe(3);
    await expect.poll(() => store.inboxes.alive([node]), { timeout: 10_000 }).toEqual([]);
}

/** The id that a node has among the others, which is part of the ids of its streams. */
function nodeOf(event: WireEvent): string {
    return /^(.*)-\d+\./.exec(event.id ?? '')?.[1] ?? '';
}

/** What became of requests: id and outcome of each that was answered. */
function outcomes(events: readonly WireEvent[]): string[] {
    return events.flatMap(({ message }) => (message && isFinal(message) ? [outcome(message)] : []));
}

function outcome({ id, error }: WireMessage): string {
    if (error === undefined) {
        return `${id}: result`;
    }
    return error.message.includes('has stopped') ? `${id}: node stopped (${error.code})` : `${id}: ${error.message}`;
}

onEveryStore('R15: a node dies', start => {
    test('a stream that is resumed elsewhere ends with an error for the request, and the session lives on', async () => {
        const started = await start(options);
        const [a, b, c] = started.urls;
        const session = await begin(a);
        const running = await call(a, session, 'progress', { steps: 4, gate: 'gate', pauseAt: 2 }, { id: 'call', progressToken: 'p' });
        await running.next();
        await running.next();
        const { id: lastEventId } = await running.next();
        await kill(started, 0);
        const resumed = await get(b, { session, version, lastEventId });
        const events = await resumed.all();
        expect(events.filter(({ message }) => message?.method !== undefined)).toEqual([]);
        expect(outcomes(events)).toEqual(['call: node stopped (-32603)']);

        expect(await callTool(c, session, 'whoami')).toMatchObject({ node: 'node-3' });
        // Whoever asks again is told the same.
        const again = await get(c, { session, version, lastEventId });
        expect(outcomes(await again.all())).toEqual(outcomes(events));
    });

    test('while the client reads the stream at another node', async () => {
        const started = await start(options);
        const [a, b] = started.urls;
        const session = await begin(a);
        const running = await call(a, session, 'hold', { gate: 'gate' }, { id: 1 });
        const { id: lastEventId } = await running.next();
        const resumed = await get(b, { session, version, lastEventId });
        await running.ended();
        await kill(started, 0);
        expect(outcome(await resumed.message(isFinal))).toBe('1: node stopped (-32603)');
        await resumed.ended();
        expect(started.cluster.node(1).events).toContainEqual(expect.objectContaining({ type: 'stream.taken-over', unanswered: 1 }));
    });

    test('of a batch only what was not answered gets the error', async () => {
        const started = await start(options);
        const [a, b] = started.urls;
        const session = await begin(a, { version: '2025-03-26' });
        const batch = [
            toolCall(1, 'hold', { gate: 'one' }),
            toolCall('two', 'hold', { gate: 'two' }),
            toolCall(3, 'hold', { gate: 'three' })
        ];
        const running = await post(a, batch, { session, version });
        const { id: lastEventId } = await running.next();
        started.cluster.gates.open('two');
        const resumed = await get(b, { session, version, lastEventId });
        expect(outcome(await resumed.message(isFinal))).toBe('two: result');
        await kill(started, 0);
        expect(outcomes(await resumed.all())).toEqual(['1: node stopped (-32603)', '3: node stopped (-32603)']);
        const again = await get(b, { session, version, lastEventId });
        expect(outcomes(await again.all())).toEqual(['two: result', '1: node stopped (-32603)', '3: node stopped (-32603)']);
    });

    test.for([20, 500])('of a stream with more events than the %i that are kept', async maxEventsPerStream => {
        const started = await start({ ...options, maxEventsPerStream });
        const [a, b] = started.urls;
        const session = await begin(a);
        const steps = maxEventsPerStream + 250;
        const args = { steps: steps + 1, gate: 'gate', pauseAt: steps };
        const running = await call(a, session, 'progress', args, { id: 7, progressToken: 'p' });
        await started.cluster.gates.arrival('gate');
        let last = await running.next();
        while (last.message?.params?.['progress'] !== steps) {
            last = await running.next();
        }
        await kill(started, 0);
        const resumed = await get(b, { session, version, lastEventId: last.id });
        expect(outcomes(await resumed.all())).toEqual(['7: node stopped (-32603)']);
    });

    test('that has run a call for longer than events are kept', async () => {
        const started = await start({ nodeLeaseMs: 600, eventTtlMs: 3_000, sessionTtlMs: 2_000 });
        const [a, b] = started.urls;
        const session = await begin(a);
        const running = await call(a, session, 'hold', { gate: 'gate' }, { id: 7 });
        const { id: lastEventId } = await running.next();
        const other = await call(a, session, 'whoami');
        const { id: forgotten } = await other.next();
        await expect
            .poll(async () => (await get(b, { session, version, lastEventId: forgotten })).status, { timeout: 10_000, interval: 200 })
            .toBe(400);
        await kill(started, 0);
        const resumed = await get(b, { session, version, lastEventId });
        expect(outcomes(await resumed.all())).toEqual(['7: node stopped (-32603)']);
    });

    test('that had the standalone stream: with the id of the last event, nothing is lost or doubled', async () => {
        const started = await start(options);
        const [a, b, c] = started.urls;
        const session = await begin(a);
        const stream = await get(a, { session, version });
        await callTool(b, session, 'announce', { text: 'before', count: 2 });
        await stream.message();
        const { eventId: lastEventId } = await stream.message();
        await kill(started, 0);
        await callTool(b, session, 'announce', { text: 'after', count: 2 });
        const next = await get(c, { session, version, lastEventId });
        for (const i of [0, 1]) {
            expect((await next.message()).params?.['data']).toMatchObject({ text: 'after', i });
        }
        await callTool(b, session, 'announce', { text: 'live' });
        expect((await next.message()).params?.['data']).toMatchObject({ text: 'live' });
        next.disconnect();
    });

    test('that had the standalone stream: without an id, what came since the others took it for dead', async () => {
        const started = await start(options);
        const [a, b, c] = started.urls;
        const session = await begin(a);
        const [node = ''] = await started.store.sessions.nodes(session);
        const stream = await get(a, { session, version });
        await callTool(b, session, 'announce', { text: 'before', count: 2 });
        await stream.message();
        await stream.message();
        await kill(started, 0);
        await declaredDead(started, node);
        const noted = started.ways[1]?.done('streams.release');
        await callTool(b, session, 'announce', { text: 'after', count: 2 });
        await noted;
        const next = await get(c, { session, version });
        for (const i of [0, 1]) {
            expect((await next.message()).params?.['data']).toMatchObject({ text: 'after', i });
        }
        next.disconnect();
    });

    test('while it waits for the client: the session can be asked again elsewhere', async () => {
        const started = await start(options);
        const [a, b, c] = started.urls;
        const session = await begin(a);
        await (await call(a, session, 'ask', { text: 'Name?' })).message(asks('elicitation/create'));
        await kill(started, 0);
        const answer = await call(b, session, 'ask', { text: 'Name?' });
        const question = await answer.message(asks('elicitation/create'));
        expect((await reply(c, session, accepted(question.id, 'Ada'))).status).toBe(202);
        expect(toolResult(await answer.message(isFinal))).toMatchObject({ node: 'node-2', answer: { content: { value: 'Ada' } } });
    });
});

/** A call on the first node that waits, the node frozen past its lease meanwhile. */
async function freezeDuring(
    started: StartedCluster,
    tool: string,
    args: object
): Promise<{ session: string; running: WireAnswer; lastEventId: string | undefined; node: string }> {
    const session = await begin(started.urls[0]);
    const running = await call(started.urls[0], session, tool, args, { id: 7, progressToken: 'p' });
    const first = await running.next();
    await started.cluster.gates.arrival('gate');
    started.ways[0]?.block();
    await declaredDead(started, nodeOf(first));
    return { session, running, lastEventId: first.id, node: nodeOf(first) };
}

onEveryStore('R15: a node that froze past its lease and comes back', start => {
    test('does not answer what others have answered for it, though it was ready', async () => {
        const started = await start(options);
        const [, b] = started.urls;
        const { session, running, lastEventId } = await freezeDuring(started, 'hold', { gate: 'gate' });
        started.cluster.gates.open('gate');
        const resumed = await get(b, { session, version, lastEventId });
        expect(outcomes(await resumed.all())).toEqual(['7: node stopped (-32603)']);
        started.ways[0]?.mend();
        expect(outcomes(await running.all())).toEqual([]);
        // Nor later.
        const again = await get(b, { session, version, lastEventId });
        expect(outcomes(await again.all())).toEqual(['7: node stopped (-32603)']);
    });

    test('aborts what others have answered for it, as soon as it has something to say about it', async () => {
        const started = await start(options);
        const [, b] = started.urls;
        const { session, running, lastEventId } = await freezeDuring(started, 'progress', { steps: 50, gate: 'gate', pauseAt: 1 });
        const resumed = await get(b, { session, version, lastEventId });
        expect(outcomes(await resumed.all())).toEqual(['7: node stopped (-32603)']);
        started.ways[0]?.mend();
        started.cluster.gates.open('gate');
        expect(outcomes(await running.all())).toEqual([]);
    });

    test('aborts what others have answered for it, also if that has nothing to say', async () => {
        const started = await start({ ...options, eventTtlMs: 4_000 });
        const [, b] = started.urls;
        const { session, lastEventId } = await freezeDuring(started, 'hold', { gate: 'gate' });
        const resumed = await get(b, { session, version, lastEventId });
        expect(outcomes(await resumed.all())).toEqual(['7: node stopped (-32603)']);
        started.ways[0]?.mend();
        await expect.poll(() => started.cluster.node(0).log.aborted, { timeout: 10_000 }).toEqual([{ sessionId: session, requestId: 7 }]);
    });

    test('answers what nobody has answered for it', async () => {
        const started = await start(options);
        const { running } = await freezeDuring(started, 'hold', { gate: 'gate' });
        started.ways[0]?.mend();
        await started.cluster.node(0).event(({ type }) => type === 'node.lapsed');
        started.cluster.gates.open('gate');
        expect(toolResult(await running.message(isFinal))).toBe('held on node-1');
    });

    test('says what it says in order, also while it does not know yet whether it may', async () => {
        const started = await start(options);
        const { running } = await freezeDuring(started, 'progress', { steps: 20, gate: 'gate', pauseAt: 1 });
        started.cluster.gates.open('gate');
        started.ways[0]?.mend();
        const events = (await running.all()).filter(({ message }) => message !== undefined);
        expect(events.map(({ message }) => message?.params?.['progress'])).toEqual([
            ...Array.from({ length: 20 }, (_, i) => i + 1),
            undefined
        ]);
        expect(outcomes(events)).toHaveLength(1);
    });

    test('is one of the cluster again: for calls, replies, cancellations, announcements and DELETE', async () => {
        const started = await start(options);
        const [a, b, c] = started.urls;
        const { session, node } = await freezeDuring(started, 'hold', { gate: 'gate' });
        const stream = await get(b, { session, version });
        // Notices that the frozen node is dead, and strikes it off the session's list.
        expect((await cancel(b, session, 'unknown')).status).toBe(202);
        expect(await started.store.sessions.nodes(session)).not.toContain(node);
        const reopened = started.ways[0]?.done('sessions.open');
        started.ways[0]?.mend();
        await started.cluster.node(0).event(({ type }) => type === 'node.lapsed');
        await reopened;

        expect(await callTool(a, session, 'whoami')).toMatchObject({ node: 'node-1' });
        await callTool(a, session, 'announce', { text: 'back' });
        expect((await stream.message()).params?.['data']).toMatchObject({ text: 'back', node: 'node-1' });
        for (let round = 0; round < 2; round++) {
            const asking = await call(a, session, 'ask', { text: 'Name?' });
            const question = await asking.message(asks('elicitation/create'));
            expect((await reply(c, session, accepted(question.id, `Ada ${round}`))).status).toBe(202);
            expect(toolResult(await asking.message(isFinal))).toMatchObject({ answer: { content: { value: `Ada ${round}` } } });
        }
        expect((await cancel(c, session, 7)).status).toBe(202);
        await expect.poll(() => started.cluster.node(0).log.aborted).toEqual([{ sessionId: session, requestId: 7 }]);
        const held = await call(a, session, 'hold', { gate: 'other' }, { id: 8 });
        expect((await del(c, { session, version })).status).toBe(200);
        expect(await held.message(isFinal)).toMatchObject({ id: 8, error: { message: 'The session has ended' } });
    });

    test('is one of the cluster before it serves another request: what that asks can be answered', async () => {
        const started = await start(options);
        const [a, b, c] = started.urls;
        const session = await begin(a);
        const joining = started.ways[0]?.hold('inboxes.join');
        const renewing = started.ways[0]?.hold('inboxes.renew');
        const [node = ''] = await started.store.sessions.nodes(session);
        await declaredDead(started, node);
        renewing?.release();
        await joining?.reached;
        const replied = call(a, session, 'ask', { text: 'Name?' }).then(async asking => {
            const question = await asking.message(asks('elicitation/create'));
            return { asking, posted: await reply(b, session, accepted(question.id, 'Ada')) };
        });
        // Time enough for a node that does not wait to ask, and for the reply to be refused.
        await callTool(b, session, 'whoami');
        await callTool(c, session, 'whoami');
        joining?.release();
        const { asking, posted } = await replied;
        expect(posted.status).toBe(202);
        expect(toolResult(await asking.message(isFinal))).toMatchObject({ answer: { content: { value: 'Ada' } } });
    });

    test('gets the reply to a question that it asked before, if nobody has answered for it', async () => {
        const started = await start(options);
        const [a, b] = started.urls;
        const session = await begin(a);
        const running = await call(a, session, 'ask', { text: 'Name?' });
        const question = await running.message(asks('elicitation/create'));
        const node = String(question.id).replace(/\.\d+$/, '');
        started.ways[0]?.block();
        await declaredDead(started, node);
        expect((await reply(b, session, accepted(question.id, 'early'))).status).toBe(410);
        started.ways[0]?.mend();
        await started.cluster.node(0).event(({ type }) => type === 'node.lapsed');
        expect((await reply(b, session, accepted(question.id, 'late'))).status).toBe(202);
        expect(toolResult(await running.message(isFinal))).toMatchObject({ answer: { content: { value: 'late' } } });
    });
});

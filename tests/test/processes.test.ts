import { describe, expect, test } from 'vitest';
import { accepted, asks, cancel, reply } from './support/clientMessages.ts';
import { begin, call, callTool, del, get, isFinal, toolResult, type WireAnswer } from './support/mcpRequests.ts';
import { openRedis, processStores, startNode, startNodes } from './support/processCluster.ts';
import { openSilently } from './support/silentClient.ts';

const version = '2025-11-25';
/** Short, so that the tests are. Long enough that a busy machine renews it in time. */
const options = { nodeLeaseMs: 1_500 };

/** What came of a stream until it ended: progress, and how its request ended. */
async function contentOf(stream: WireAnswer): Promise<unknown[]> {
    return (await stream.all()).flatMap(({ message }) => {
        if (message === undefined) {
            return [];
        }
        return [message.error?.message ?? message.params?.['progress'] ?? toolResult(message)];
    });
}

const STOPPED = expect.stringContaining('has stopped') as unknown;

/** Begins a call that waits at the gate `gate`. */
async function hold(
    url: string,
    session: string,
    tool = 'hold',
    args: object = {}
): Promise<{ running: WireAnswer; lastEventId: string | undefined }> {
    const running = await call(url, session, tool, { gate: 'gate', ...args }, { id: 7, progressToken: 'p' });
    const { id: lastEventId } = await running.next();
    return { running, lastEventId };
}

describe.each(processStores)('three processes on $name', kind => {
    test('serve one session', async () => {
        const [a, b, c] = await startNodes(await kind.open(), options);
        const session = await begin(a.url, { at: b.url });
        const stream = await get(b.url, { session, version });
        expect(await callTool(c.url, session, 'whoami')).toMatchObject({ node: 'node-3', clientInfo: { name: 'test-client' } });
        const asking = await call(a.url, session, 'ask', { text: 'Name?' });
        const question = await asking.message(asks('elicitation/create'));
        expect((await reply(c.url, session, accepted(question.id, 'Ada'))).status).toBe(202);
        expect(toolResult(await asking.message(isFinal))).toMatchObject({ node: 'node-1', answer: { content: { value: 'Ada' } } });
        await callTool(c.url, session, 'announce', { text: 'hello' });
        expect((await stream.message()).params?.['data']).toMatchObject({ text: 'hello', node: 'node-3' });
        const { running } = await hold(a.url, session);
        expect((await cancel(b.url, session, 7)).status).toBe(202);
        expect(await contentOf(running)).toEqual([]);
        const silent = await openSilently(a.url, session);
        await stream.ended();
        const newest = await get(c.url, { session, version });
        await callTool(b.url, session, 'announce', { text: 'again' });
        expect((await newest.message()).params?.['data']).toMatchObject({ text: 'again' });
        expect(await silent.wakeUp()).not.toContain('again');
        expect((await del(b.url, { session, version })).status).toBe(200);
        await newest.ended();
        expect((await call(a.url, session, 'whoami')).status).toBe(404);
    });

    test(
        'SIGKILL, with the default lease: a stream that is resumed ends with an error within 15 seconds',
        { timeout: 18_000 },
        async () => {
            const [a, b] = await startNodes(await kind.open());
            const session = await begin(a.url);
            const { lastEventId } = await hold(a.url, session, 'progress', { steps: 4, pauseAt: 2 });
            const resumed = await get(b.url, { session, version, lastEventId });
            for (const progress of [1, 2]) {
                expect((await resumed.message()).params).toMatchObject({ progress });
            }
            await a.kill();
            expect(await contentOf(resumed)).toEqual([STOPPED]);
            expect(await callTool(b.url, session, 'whoami')).toMatchObject({ node: 'node-2' });
        }
    );

    test('SIGKILL while a question waits: the reply is refused, but not with 404, and a new process takes the place', async () => {
        const store = await kind.open();
        const [a, b, c] = await startNodes(store, options);
        const session = await begin(a.url);
        const asking = await call(a.url, session, 'ask', { text: 'Name?' });
        const question = await asking.message(asks('elicitation/create'));
        await a.kill();
        expect((await reply(b.url, session, accepted(question.id, 'Ada'))).status).toBe(410);
        const successor = await startNode(store, 0, options, Number(new URL(a.url).port));
        expect(successor.url).toBe(a.url);
        const again = await call(a.url, session, 'ask', { text: 'Name?' });
        const second = await again.message(asks('elicitation/create'));
        expect(second.id).not.toBe(question.id);
        expect((await reply(c.url, session, accepted(question.id, 'Ada'))).status).toBe(410);
        expect((await reply(c.url, session, accepted(second.id, 'Ada'))).status).toBe(202);
        expect(toolResult(await again.message(isFinal))).toMatchObject({ answer: { content: { value: 'Ada' } } });
    });

    test('SIGSTOP past the lease, and SIGCONT: the node does not answer what others have answered for it, and is one of them again', async () => {
        const [a, b, c] = await startNodes(await kind.open(), options);
        const session = await begin(a.url);
        const { running, lastEventId } = await hold(a.url, session);
        await a.arrival('gate');
        a.freeze();
        // Waits in the process until it goes on: the tool is done in the same moment.
        a.open('gate');
        const resumed = await get(b.url, { session, version, lastEventId });
        expect(await contentOf(resumed)).toEqual([STOPPED]);
        a.thaw();
        expect(await contentOf(running)).toEqual([]);
        expect(await contentOf(await get(c.url, { session, version, lastEventId }))).toEqual([STOPPED]);

        expect(await callTool(a.url, session, 'whoami')).toMatchObject({ node: 'node-1' });
        const asking = await call(a.url, session, 'ask', { text: 'Name?' });
        const question = await asking.message(asks('elicitation/create'));
        expect((await reply(c.url, session, accepted(question.id, 'Ada'))).status).toBe(202);
        expect(toolResult(await asking.message(isFinal))).toMatchObject({ node: 'node-1', answer: { content: { value: 'Ada' } } });
    });

    test('SIGSTOP for a moment: the reply that was posted meanwhile arrives', async () => {
        const [a, b] = await startNodes(await kind.open());
        const session = await begin(a.url);
        const asking = await call(a.url, session, 'ask', { text: 'Name?' });
        const question = await asking.message(asks('elicitation/create'));
        a.freeze();
        const posted = reply(b.url, session, accepted(question.id, 'Ada'));
        expect(await callTool(b.url, session, 'whoami')).toMatchObject({ node: 'node-2' });
        a.thaw();
        expect((await posted).status).toBe(202);
        expect(toolResult(await asking.message(isFinal))).toMatchObject({ answer: { content: { value: 'Ada' } } });
    });

    test('SIGTERM: what runs is finished, clients go on elsewhere, and the process exits with 0', async () => {
        const [a, b, c] = await startNodes(await kind.open(), options);
        const session = await begin(a.url);
        const { running } = await hold(a.url, session);
        const left = await call(a.url, session, 'progress', { steps: 2, gate: 'other', pauseAt: 1 }, { progressToken: 'p' });
        const { id: lastEventId } = await left.next();
        await a.arrival('other');
        left.disconnect();
        const stream = await get(a.url, { session, version });
        const { id: place } = await stream.next();
        a.terminate();
        await stream.ended();
        expect(stream.retries.length).toBeGreaterThan(0);
        expect((await call(a.url, session, 'whoami')).status).toBe(503);
        await callTool(b.url, session, 'announce', { text: 'meanwhile' });
        const next = await get(c.url, { session, version, lastEventId: place });
        expect((await next.message()).params?.['data']).toMatchObject({ text: 'meanwhile' });
        a.open('gate');
        a.open('other');
        expect(await contentOf(running)).toEqual(['held on node-1']);
        expect(await a.exited).toBe(0);
        expect(await contentOf(await get(b.url, { session, version, lastEventId }))).toEqual([1, 2, 'progressed on node-1']);
        expect(await callTool(c.url, session, 'whoami')).toMatchObject({ node: 'node-3' });
    });
});

describe('three processes, and a Redis that fails', () => {
    test('stopped and started with its data: 503 meanwhile, then everything goes on', async () => {
        const store = await openRedis();
        const [a, b, c] = await startNodes(store, options);
        const session = await begin(a.url);
        const stream = await get(b.url, { session, version });
        await stream.next();
        const { running, lastEventId } = await hold(a.url, session, 'progress', { steps: 3, pauseAt: 2 });
        const asking = await call(a.url, session, 'ask', { text: 'Name?' });
        const question = await asking.message(asks('elicitation/create'));
        await a.arrival('gate');
        await store.server.stop();
        for (const { url } of [a, b, c]) {
            const refused = await call(url, session, 'whoami');
            expect(refused.status).toBe(503);
            expect(refused.header('retry-after')).toMatch(/^\d+$/);
        }
        expect((await reply(b.url, session, accepted(question.id, 'early'))).status).toBe(503);
        a.open('gate');
        await store.server.start();
        expect(await contentOf(running)).toEqual([1, 2, 3, 'progressed on node-1']);
        // As soon as the nodes have noticed that it is back.
        for (const { url } of [a, b, c]) {
            await expect.poll(async () => (await call(url, session, 'whoami')).status, { timeout: 10_000 }).toBe(200);
        }
        await expect.poll(async () => (await reply(b.url, session, accepted(question.id, 'Ada'))).status, { timeout: 10_000 }).toBe(202);
        expect(toolResult(await asking.message(isFinal))).toMatchObject({ answer: { content: { value: 'Ada' } } });
        await callTool(c.url, session, 'announce', { text: 'back' });
        expect((await stream.message()).params?.['data']).toMatchObject({ text: 'back' });
        expect(await contentOf(await get(c.url, { session, version, lastEventId }))).toEqual([1, 2, 3, 'progressed on node-1']);
    });

    test('a node that is cut off from it past its lease answers 503, and nothing that others have answered for it', async () => {
        const store = await openRedis();
        const [a, b, c] = await startNodes(store, options);
        const session = await begin(a.url);
        const { running, lastEventId } = await hold(a.url, session);
        await a.arrival('gate');
        const network = await store.networkOf(0);
        network.refuse(true);
        network.cut();
        expect((await call(a.url, session, 'whoami')).status).toBe(503);
        const resumed = await get(b.url, { session, version, lastEventId });
        expect(await contentOf(resumed)).toEqual([STOPPED]);
        a.open('gate');
        expect(await callTool(c.url, session, 'whoami')).toMatchObject({ node: 'node-3' });
        network.refuse(false);
        expect(await contentOf(running)).toEqual([]);
        await expect.poll(async () => (await call(a.url, session, 'whoami')).status, { timeout: 10_000 }).toBe(200);
        const asking = await call(a.url, session, 'ask', { text: 'Name?' });
        const question = await asking.message(asks('elicitation/create'));
        expect((await reply(b.url, session, accepted(question.id, 'Ada'))).status).toBe(202);
        expect(toolResult(await asking.message(isFinal))).toMatchObject({ node: 'node-1' });
    });

    test('a node whose packets to it vanish answers 503 in time, and goes on when they arrive again', async () => {
        const store = await openRedis();
        const [a, b] = await startNodes(store);
        const session = await begin(a.url, { at: b.url });
        const network = await store.networkOf(0);
        const lost = network.loseAnswers();
        const refused = call(a.url, session, 'whoami');
        await lost;
        expect((await refused).status).toBe(503);
        expect(await callTool(b.url, session, 'whoami')).toMatchObject({ node: 'node-2' });
        network.passAnswers();
        network.cut();
        await expect.poll(async () => (await call(a.url, session, 'whoami')).status, { timeout: 10_000 }).toBe(200);
        const asking = await call(a.url, session, 'ask', { text: 'Name?' });
        const question = await asking.message(asks('elicitation/create'));
        expect((await reply(b.url, session, accepted(question.id, 'Ada'))).status).toBe(202);
        expect(toolResult(await asking.message(isFinal))).toMatchObject({ node: 'node-1' });
    });
});

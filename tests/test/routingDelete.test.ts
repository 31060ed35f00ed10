import { expect, test } from 'vitest';
import type { TestCluster } from './support/cluster.ts';
import { accepted, asks, cancel, notify, reply } from './support/clientMessages.ts';
import { begin, call, callTool, del, get, isFinal, post, type WireAnswer } from './support/mcpRequests.ts';
import { onEveryStore, type StartedCluster } from './support/onEveryStore.ts';
import { Gates, buildServer } from './support/testServer.ts';

const version = '2025-11-25';

async function holdEverywhere(cluster: TestCluster, urls: readonly string[], session: string): Promise<WireAnswer[]> {
    const answers = await Promise.all(urls.map((url, index) => call(url, session, 'hold', { gate: `gate ${index}` }, { id: index + 1 })));
    await Promise.all(urls.map((_, index) => cluster.gates.arrival(`gate ${index}`)));
    return answers;
}

/** What every node answers to a client that comes back. */
async function statuses(urls: readonly string[], session: string): Promise<number[]> {
    const answers = await Promise.all(
        urls.flatMap(url => [
            call(url, session, 'whoami'),
            notify(url, session, 'notifications/roots/list_changed'),
            cancel(url, session, 1),
            reply(url, session, accepted('any', 'x')),
            get(url, { session, version }),
            del(url, { session, version })
        ])
    );
    return answers.map(({ status }) => status);
}

async function isGone({ store }: StartedCluster, session: string): Promise<boolean> {
    return (await store.sessions.open(session, { ttlMs: 1_000 })).status === 'missing';
}

onEveryStore('R8: DELETE ends a session everywhere', start => {
    test.for([0, 1, 2])('at node %i: handlers are aborted, calls answered with an error, streams closed, on all nodes', async index => {
        const started = await start();
        const { cluster, urls } = started;
        const session = await begin(urls[0]);
        const answers = await holdEverywhere(cluster, urls, session);
        const left = answers[1];
        const { id: lastEventId } = (await left?.next()) ?? {};
        left?.disconnect();
        const resumed = await get(urls[2], { session, version, lastEventId });
        const listening = await get(urls[1], { session, version });

        expect((await del(urls[index] ?? '', { session, version })).status).toBe(200);

        for (const answer of [answers[0], answers[2]]) {
            expect(await answer?.message(isFinal)).toMatchObject({ error: { message: 'The session has ended' } });
            await answer?.ended();
        }
        await Promise.all([resumed.ended(), listening.ended()]);
        await expect.poll(() => cluster.nodes.map(node => node.log.aborted.map(({ requestId }) => requestId))).toEqual([[1], [2], [3]]);
        expect(new Set(await statuses(urls, session))).toEqual(new Set([404]));
        expect(cluster.nodes.map(node => node.handler.liveSessions)).toEqual([0, 0, 0]);
        expect(await isGone(started, session)).toBe(true);
    });

    test('calls that wait for a JSON document get an error', async () => {
        const { cluster, urls } = await start({ enableJsonResponse: true });
        const [a, b, c] = urls;
        const session = await begin(a);
        const waiting = [a, b].map((url, index) => call(url, session, 'hold', { gate: `gate ${index}` }, { id: index + 1 }));
        await Promise.all([cluster.gates.arrival('gate 0'), cluster.gates.arrival('gate 1')]);
        expect((await del(c, { session, version })).status).toBe(200);
        for (const [index, answer] of (await Promise.all(waiting)).entries()) {
            expect(await answer.json()).toMatchObject({ id: index + 1, error: { message: 'The session has ended' } });
        }
    });

    test('other sessions go on', async () => {
        const { cluster, urls } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const other = await begin(a);
        const answer = await call(a, other, 'hold', { gate: 'other' });
        await cluster.gates.arrival('other');
        const stream = await get(b, { session: other, version });
        await del(b, { session, version });
        await expect.poll(() => cluster.node(0).handler.liveSessions).toBe(1);
        await callTool(a, other, 'announce', { text: 'still here' });
        expect((await stream.message()).params?.['data']).toMatchObject({ text: 'still here' });
        cluster.gates.open('other');
        expect(await answer.message(isFinal)).toMatchObject({ result: {} });
        stream.disconnect();
    });

    test('a handler that goes on although it was aborted writes nothing any more', async () => {
        const started = await start();
        const { cluster, urls } = started;
        const [a, b] = urls;
        const session = await begin(a);
        const answer = await call(a, session, 'stubborn', { gate: 'deaf' }, { id: 1 });
        await cluster.gates.arrival('deaf');
        await del(b, { session, version });
        expect(await answer.message(isFinal)).toMatchObject({ id: 1, error: { message: 'The session has ended' } });
        await answer.ended();
        cluster.gates.open('deaf');
        expect(new Set(await statuses(urls, session))).toEqual(new Set([404]));
        expect(await isGone(started, session)).toBe(true);
    });

    test('a change of the log level that is being stored does not bring the session back', async () => {
        const started = await start();
        const [a, b] = started.urls;
        const session = await begin(a);
        const update = started.ways[0]?.hold('sessions.update');
        const params = { level: 'error' };
        const setting = await post(a, { jsonrpc: '2.0', id: 1, method: 'logging/setLevel', params }, { session, version });
        await update?.reached;
        await del(b, { session, version });
        expect(await setting.message(isFinal)).toMatchObject({ id: 1, error: {} });
        update?.release();
        expect(await isGone(started, session)).toBe(true);
        expect((await call(a, session, 'whoami')).status).toBe(404);
    });

    test('a copy that is being made elsewhere is not let in', async () => {
        const gates = new Gates();
        const started = await start({
            factory: async (context, node) => {
                if (context.restored) {
                    await gates.wait('factory', new AbortController().signal);
                }
                return buildServer(node.name, context, node.log, gates);
            }
        });
        const [a, b] = started.urls;
        const session = await begin(a);
        const late = call(b, session, 'whoami');
        await gates.arrival('factory');
        await del(a, { session, version });
        await expect.poll(() => started.cluster.node(1).handler.liveSessions).toBe(0);
        gates.open('factory');
        expect((await late).status).toBe(404);
        expect(started.cluster.nodes.map(node => node.handler.liveSessions)).toEqual([0, 0, 0]);
    });

    test('a call whose session has just been read elsewhere is refused, and leaves nothing behind', async () => {
        const { urls, ways, cluster } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const other = await begin(b);
        const asking = await call(b, other, 'ask', { text: 'Name?' });
        const question = await asking.message(asks('elicitation/create'));
        const opening = ways[1]?.hold('sessions.open', 'after');
        const late = call(b, session, 'whoami');
        await opening?.reached;
        await del(a, { session, version });
        // From the same node, so when this has arrived the news of the deletion has.
        expect((await reply(a, other, accepted(question.id, 'Ada'))).status).toBe(202);
        opening?.release();
        expect((await late).status).toBe(404);
        expect(cluster.node(1).handler.liveSessions).toBe(1);
    });

    test('a stream that is being opened elsewhere is refused', async () => {
        const { urls, ways } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const holding = ways[1]?.hold('streams.hold');
        const late = get(b, { session, version });
        await holding?.reached;
        await del(a, { session, version });
        holding?.release();
        expect((await late).status).toBe(404);
    });

    test('a call that is being let in elsewhere is refused, and its handler does not start', async () => {
        const { urls, ways, cluster } = await start();
        const [a, b] = urls;
        const session = await begin(a, { at: b });
        await callTool(b, session, 'whoami');
        const touching = ways[1]?.hold('sessions.touch');
        const late = call(b, session, 'hold', { gate: 'never' });
        await touching?.reached;
        await del(a, { session, version });
        touching?.release();
        expect((await late).status).toBe(404);
        expect(cluster.node(1).handler.liveSessions).toBe(0);
    });

    test('a reply to a question of the session finds nobody', async () => {
        const { urls } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const answer = await call(a, session, 'ask', { text: 'Name?' });
        const question = await answer.message(asks('elicitation/create'));
        await del(b, { session, version });
        expect((await reply(b, session, accepted(question.id, 'Ada'))).status).toBe(404);
        expect(await answer.message(isFinal)).toMatchObject({ error: { message: 'The session has ended' } });
    });

    test('also if the node that deletes it dies before it has told the others', async () => {
        const { cluster, urls, ways } = await start({ sessionTtlMs: 1_500 });
        const [a, b] = urls;
        const session = await begin(a);
        const answer = await call(a, session, 'hold', { gate: 'gate' }, { id: 1 });
        await cluster.gates.arrival('gate');
        const telling = ways[1]?.hold('inboxes.send');
        await del(b, { session, version });
        await telling?.reached;
        ways[1]?.cut();
        telling?.release();
        expect(await answer.message(isFinal)).toMatchObject({ id: 1, error: { message: 'The session has ended' } });
        expect(cluster.node(0).log.aborted).toEqual([{ sessionId: session, requestId: 1 }]);
    });
});

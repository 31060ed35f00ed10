import { expect, test } from 'vitest';
import type { TestNode } from './support/cluster.ts';
import { buildServer } from './support/testServer.ts';
import { accepted, asks, notify, reply } from './support/clientMessages.ts';
import { begin, call, callTool, get, isFinal, toolResult, type WireAnswer, type WireMessage } from './support/mcpRequests.ts';
import { onEveryStore } from './support/onEveryStore.ts';

const QUESTIONS = [
    { kind: 'elicitation', method: 'elicitation/create', answer: { action: 'accept', content: { value: 'Ada' } } },
    {
        kind: 'sampling',
        method: 'sampling/createMessage',
        answer: { role: 'assistant', model: 'm', content: { type: 'text', text: 'Hi' } }
    },
    { kind: 'roots', method: 'roots/list', answer: { roots: [{ uri: 'file:///home' }] } }
];

/** Calls the tool that asks, and waits for its question. */
async function ask(url: string, session: string, args: object = {}): Promise<{ answer: WireAnswer; question: WireMessage }> {
    const answer = await call(url, session, 'ask', { text: 'Name?', ...args });
    return { answer, question: await answer.message(message => message.method !== undefined && message.id !== undefined) };
}

async function resultOf(answer: WireAnswer): Promise<unknown> {
    return toolResult(await answer.message(isFinal));
}

onEveryStore('R11: the reply to a question of a server reaches the node that waits, and no other', start => {
    test.for(QUESTIONS)('$kind: a result posted at any node', async ({ kind, method, answer: given }) => {
        const { urls } = await start();
        const session = await begin(urls[0]);
        for (const url of urls) {
            const { answer, question } = await ask(urls[0], session, { kind });
            expect(question.method).toBe(method);
            expect((await reply(url, session, { jsonrpc: '2.0', id: question.id, result: given })).status).toBe(202);
            expect(await resultOf(answer)).toEqual({ node: 'node-1', answer: given, progress: [] });
        }
    });

    test('an error posted at another node', async () => {
        const { urls } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const { answer, question } = await ask(a, session);
        const error = { code: -32042, message: 'The user is asleep' };
        expect((await reply(b, session, { jsonrpc: '2.0', id: question.id, error })).status).toBe(202);
        expect(await resultOf(answer)).toMatchObject({ node: 'node-1', error: { code: error.code } });
    });

    test('progress posted at another node, by the token that the client saw', async () => {
        const { urls } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const { answer, question } = await ask(a, session);
        const meta = question.params?.['_meta'];
        const progressToken = typeof meta === 'object' && meta !== null && 'progressToken' in meta ? meta.progressToken : undefined;
        expect(progressToken).toBe(question.id);
        for (const progress of [1, 2]) {
            expect((await notify(b, session, 'notifications/progress', { progressToken, progress })).status).toBe(202);
        }
        // Progress of nobody's request, and of a request of nobody.
        expect((await notify(b, session, 'notifications/progress', { progressToken: 0, progress: 9 })).status).toBe(202);
        expect((await notify(b, session, 'notifications/progress', { progressToken: 'stranger.1', progress: 9 })).status).toBe(202);
        await reply(b, session, accepted(question.id, 'Ada'));
        expect(await resultOf(answer)).toMatchObject({ progress: [1, 2] });
    });

    test('progress that reaches the node together with the reply that follows it', async () => {
        const { urls, ways, cluster } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const { answer, question } = await ask(a, session);
        ways[0]?.block();
        await notify(b, session, 'notifications/progress', { progressToken: question.id, progress: 1 });
        const posted = reply(b, session, accepted(question.id, 'Ada'));
        await cluster.node(1).event(event => event.type === 'message.routed' && event.what === 'reply');
        ways[0]?.mend();
        expect((await posted).status).toBe(202);
        expect(await resultOf(answer)).toMatchObject({ progress: [1] });
    });

    test('nodes that ask at the same time get each its own answer', async () => {
        const { urls } = await start();
        const session = await begin(urls[0]);
        const asked = await Promise.all(urls.map(url => ask(url, session)));
        // Each reply at another node than the one that asked.
        const posted = asked.map(({ question }, index) =>
            reply(urls[(index + 1) % 3] ?? '', session, accepted(question.id, `for ${index + 1}`))
        );
        expect((await Promise.all(posted)).map(({ status }) => status)).toEqual([202, 202, 202]);
        for (const [index, { answer }] of asked.entries()) {
            expect(await resultOf(answer)).toMatchObject({ node: `node-${index + 1}`, answer: { content: { value: `for ${index + 1}` } } });
        }
    });

    test('ids of questions are unique among nodes and sessions, and never small numbers', async () => {
        const { urls } = await start();
        const sessions = await Promise.all([begin(urls[0]), begin(urls[1])]);
        const asked = await Promise.all(
            sessions.flatMap(session => urls.flatMap(url => [1, 2].map(async () => ({ session, url, ...(await ask(url, session)) }))))
        );
        const ids = asked.map(({ question }) => question.id);
        expect(new Set(ids).size).toBe(12);
        expect(ids.every(id => typeof id === 'string' && !/^\d*$/.test(id))).toBe(true);
        await Promise.all(asked.map(({ url, session, question }) => reply(url, session, accepted(question.id, 'x'))));
        await Promise.all(asked.map(({ answer }) => answer.ended()));
    });

    test('a reply that comes in another session is refused and settles nothing', async () => {
        const { urls } = await start();
        const [a, b, c] = urls;
        const session = await begin(a);
        const other = await begin(a, { at: b });
        await callTool(b, other, 'whoami');
        const { answer, question } = await ask(a, session);
        for (const url of [a, b, c]) {
            const stolen = await reply(url, other, accepted(question.id, 'Mallory'));
            expect(stolen.status).toBe(400);
            expect((await stolen.json()).error?.message).toContain(JSON.stringify(question.id));
        }
        expect((await reply(b, session, accepted(question.id, 'Ada'))).status).toBe(202);
        expect(await resultOf(answer)).toMatchObject({ answer: { content: { value: 'Ada' } } });
    });

    test('a reply to a question that nobody asked is refused', async () => {
        const { urls } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const { answer, question } = await ask(a, session);
        const node = String(question.id).replace(/\.\d+$/, '');
        for (const url of [a, b]) {
            for (const id of [0, 1, '0', 'never-asked', `${node}.999`]) {
                expect((await reply(url, session, accepted(id, 'x'))).status, `${JSON.stringify(id)} at ${url}`).toBe(400);
            }
        }
        await reply(b, session, accepted(question.id, 'Ada'));
        expect(await resultOf(answer)).toMatchObject({ answer: { content: { value: 'Ada' } } });
    });

    test('a reply that is sent twice is taken once and refused never', async () => {
        const { urls } = await start();
        const [a, b, c] = urls;
        const session = await begin(a);
        const { answer, question } = await ask(a, session);
        expect((await reply(b, session, accepted(question.id, 'first'))).status).toBe(202);
        for (const url of [b, c, a]) {
            expect((await reply(url, session, accepted(question.id, 'second'))).status).toBe(202);
        }
        expect(await resultOf(answer)).toMatchObject({ answer: { content: { value: 'first' } } });
    });

    test('a batch of replies to questions of several nodes', async () => {
        const { urls } = await start();
        const [a, b, c] = urls;
        const version = '2025-03-26';
        const session = await begin(a, { version });
        const asked = await Promise.all([a, b, c].map(url => ask(url, session)));
        const batch = asked.map(({ question }, index) => accepted(question.id, `reply ${index + 1}`));
        expect((await reply(c, session, batch, { version })).status).toBe(202);
        for (const [index, { answer }] of asked.entries()) {
            expect(await resultOf(answer)).toMatchObject({
                node: `node-${index + 1}`,
                answer: { content: { value: `reply ${index + 1}` } }
            });
        }
    });

    test('of a batch with a reply that nobody waits for the others arrive', async () => {
        const { urls } = await start();
        const [a, b] = urls;
        const version = '2025-03-26';
        const session = await begin(a, { version });
        const { answer, question } = await ask(a, session);
        const posted = await reply(b, session, [accepted('never-asked', 'x'), accepted(question.id, 'Ada')], { version });
        expect(posted.status).toBe(400);
        expect(await resultOf(answer)).toMatchObject({ answer: { content: { value: 'Ada' } } });
    });

    test('without resumability', async () => {
        const { urls } = await start({ resumable: false });
        const [a, b] = urls;
        const session = await begin(a);
        const { answer, question } = await ask(a, session);
        expect((await reply(b, session, accepted(question.id, 'Ada'))).status).toBe(202);
        expect(await resultOf(answer)).toMatchObject({ node: 'node-1', answer: { content: { value: 'Ada' } } });
    });

    test('a question that times out is cancelled by the id that the client saw, and a late reply does no harm', async () => {
        const { urls } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const { answer, question } = await ask(a, session, { timeoutMs: 50 });
        const cancelled = await answer.message(asks('notifications/cancelled'));
        expect(cancelled.params?.['requestId']).toBe(question.id);
        expect(await resultOf(answer)).toMatchObject({ node: 'node-1', error: { code: -32001 } });
        expect((await reply(b, session, accepted(question.id, 'late'))).status).toBe(202);
    });
});

onEveryStore('R11: questions that belong to no request go to the standalone stream', start => {
    test('and their replies may be posted elsewhere', async () => {
        const { urls } = await start();
        const [a, b, c] = urls;
        const session = await begin(a);
        const stream = await get(b, { session, version: '2025-11-25' });
        const answer = await call(a, session, 'roots');
        const question = await stream.message(asks('roots/list'));
        const roots = [{ uri: 'file:///home' }];
        expect((await reply(c, session, { jsonrpc: '2.0', id: question.id, result: { roots } })).status).toBe(202);
        expect(await resultOf(answer)).toEqual({ node: 'node-1', answer: { roots } });
        stream.disconnect();
    });

    test('when answers are JSON documents, also those that belong to a request, with their cancellation', async () => {
        const { urls } = await start({ enableJsonResponse: true });
        const [a, b, c] = urls;
        const session = await begin(a);
        const stream = await get(b, { session, version: '2025-11-25' });
        const answered = call(a, session, 'ask', { text: 'Name?' });
        const question = await stream.message(asks('elicitation/create'));
        expect((await reply(c, session, accepted(question.id, 'Ada'))).status).toBe(202);
        expect(toolResult(await (await answered).json())).toMatchObject({ node: 'node-1', answer: { content: { value: 'Ada' } } });

        const unanswered = call(a, session, 'ask', { text: 'Name?', timeoutMs: 50 });
        const second = await stream.message(asks('elicitation/create'));
        expect((await stream.message(asks('notifications/cancelled'))).params?.['requestId']).toBe(second.id);
        expect(toolResult(await (await unanswered).json())).toMatchObject({ error: { code: -32001 } });
        stream.disconnect();
    });

    test('when the server asks as soon as it is initialized, on each node that has a copy', async () => {
        const heard: string[] = [];
        let tell: () => void = () => undefined;
        const { urls, cluster } = await start({
            factory: (context, node: TestNode) => {
                const server = buildServer(node.name, context, node.log, cluster.gates);
                server.oninitialized = () =>
                    void server
                        .listRoots()
                        .then(({ roots }) => heard.push(`${node.name}: ${roots[0]?.uri}`))
                        .finally(() => tell());
                return server;
            }
        });
        const [a, b, c] = urls;
        const session = await begin(a);
        const stream = await get(c, { session, version: '2025-11-25' });
        for (const [url, name] of [
            [a, 'node-1'],
            [b, 'node-2']
        ] as const) {
            await callTool(url, session, 'whoami');
            const question = await stream.message(asks('roots/list'));
            const told = new Promise<void>(resolve => (tell = resolve));
            const uri = `file:///${name}`;
            expect((await reply(c, session, { jsonrpc: '2.0', id: question.id, result: { roots: [{ uri }] } })).status).toBe(202);
            await told;
            expect(heard.at(-1)).toBe(`${name}: ${uri}`);
        }
        stream.disconnect();
    });
});

onEveryStore('R11: when the reply can not be brought to the node that waits', start => {
    test('the store is down: 503, and the same reply is taken when it is back', async () => {
        const { urls, ways } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const { answer, question } = await ask(a, session);
        ways.forEach(way => way.cut());
        for (const url of [a, b]) {
            const refused = await reply(url, session, accepted(question.id, 'Ada'));
            expect(refused.status).toBe(503);
            expect(refused.header('retry-after')).toMatch(/^\d+$/);
        }
        ways.forEach(way => way.mend());
        expect((await reply(b, session, accepted(question.id, 'Ada'))).status).toBe(202);
        expect(await resultOf(answer)).toMatchObject({ answer: { content: { value: 'Ada' } } });
    });

    test('the store fails when the session is checked already: 503 all the same', async () => {
        const { urls, ways } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const { answer, question } = await ask(a, session);
        const sending = ways[1]?.hold('inboxes.send');
        const refused = reply(b, session, accepted(question.id, 'Ada'));
        await sending?.reached;
        ways[1]?.cut();
        sending?.release();
        expect((await refused).status).toBe(503);
        ways[1]?.mend();
        expect((await reply(b, session, accepted(question.id, 'Ada'))).status).toBe(202);
        expect(await resultOf(answer)).toMatchObject({ answer: { content: { value: 'Ada' } } });
    });

    test('the lease of the node has run out: a refusal that is not 404', async () => {
        const { urls, ways, cluster, store } = await start({ nodeLeaseMs: 300 });
        const [a, b] = urls;
        const session = await begin(a);
        await callTool(b, session, 'whoami');
        const { question } = await ask(a, session);
        const waiting = await store.sessions.nodes(session);
        ways[0]?.cut();
        await cluster.node(0).stop();
        await expect.poll(() => store.inboxes.alive(waiting), { timeout: 10_000 }).toHaveLength(1);
        const refused = await reply(b, session, accepted(question.id, 'Ada'));
        expect(refused.status).toBe(410);
        expect((await refused.json()).error?.message).toContain('has stopped');
        expect(await callTool(b, session, 'whoami')).toMatchObject({ node: 'node-2' });
    });

    test('the node was killed a moment ago, its lease still runs: a refusal that is not 404 either', async () => {
        // Longer than the time after which a node that does not confirm is suspected, however much of it is left.
        const { urls, ways, cluster } = await start({ nodeLeaseMs: 4_000 });
        const [a, b] = urls;
        const session = await begin(a);
        const { question } = await ask(a, session);
        ways[0]?.cut();
        await cluster.node(0).stop();
        const refused = await reply(b, session, accepted(question.id, 'Ada'));
        expect(refused.status).toBe(410);
    });

    test('the node is only slow: the reply is taken when the node has it', async () => {
        const { urls, ways, cluster } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const { answer, question } = await ask(a, session);
        ways[0]?.block();
        const posted = reply(b, session, accepted(question.id, 'Ada'));
        await cluster.node(1).event(event => event.type === 'message.routed');
        ways[0]?.mend();
        expect((await posted).status).toBe(202);
        expect(await resultOf(answer)).toMatchObject({ answer: { content: { value: 'Ada' } } });
    });
});

import { setTimeout as delay } from 'node:timers/promises';
import type { CheckContext, Check } from '../check.ts';
import { demand, demandEqual, demandStatus, isRefusalOfThisOnly } from '../support/demands.ts';
import { nodeAt, othersThan } from '../support/nodes.ts';
import { answerOf, ask, askableCapabilities, askOutcome, type Kind, listen, whoami } from '../support/tools.ts';

const capabilities = askableCapabilities;
const isTakenOrRefused = (status: number): boolean => status === 202 || isRefusalOfThisOnly(status);

/** Asks at one node, answers at another, and demands that the answer arrives. */
async function askAndReply(
    { deployment, client }: CheckContext,
    { kind, text, asker, replier }: { kind: Kind; text: string; asker: number; replier: number }
): Promise<void> {
    const session = await client.openSession(nodeAt(deployment, asker), { capabilities });
    const { call, id } = await ask(client, nodeAt(deployment, asker), session, { kind });
    const answer = answerOf(kind, text);
    await demandStatus(await client.reply(nodeAt(deployment, replier), session, id, answer), [202], 'an answer that the server waits for');
    demandEqual((await askOutcome(client, call)).answer, answer, 'The answer that the tool got');
}

const replyAnywhere: Check = {
    id: 'routing.reply-anywhere',
    async run(context) {
        const { nodes } = context.deployment;
        for (const asker of nodes.keys()) {
            for (const replier of nodes.keys()) {
                await askAndReply(context, { kind: 'elicitation', text: `${asker}-${replier}`, asker, replier });
            }
        }
    }
};

const samplingAnywhere: Check = {
    id: 'routing.sampling-anywhere',
    run: context => askAndReply(context, { kind: 'sampling', text: 'a sample', asker: 0, replier: 1 })
};

const rootsAnywhere: Check = {
    id: 'routing.roots-anywhere',
    run: context => askAndReply(context, { kind: 'roots', text: 'a-root', asker: 1, replier: 0 })
};

const largeReply: Check = {
    id: 'routing.large-reply',
    run: context => askAndReply(context, { kind: 'elicitation', text: 'ä€😀x'.repeat(6_554), asker: 0, replier: 1 })
};

const errorAnywhere: Check = {
    id: 'routing.error-anywhere',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0), { capabilities });
        const { call, id } = await ask(client, nodeAt(deployment, 0), session, { timeoutMs: 60_000 });
        const error = { code: -32_001, message: 'The user has gone to lunch' };
        const answer = await client.post(nodeAt(deployment, 1), { jsonrpc: '2.0', id, error }, { session });
        await demandStatus(answer, [202], 'an error that answers the server');
        const outcome = await askOutcome(client, call);
        demand(outcome.isError, `The tool has an answer, ${JSON.stringify(outcome.answer)}, although the client has sent an error`);
    }
};

const askAnywhere: Check = {
    id: 'routing.ask-anywhere',
    async run({ deployment, client }) {
        for (const asker of othersThan(deployment, nodeAt(deployment, 0).id)) {
            const session = await client.openSession(nodeAt(deployment, 0), { capabilities });
            const { call, id } = await ask(client, asker, session);
            const answer = answerOf('elicitation', `for ${asker.id}`);
            await demandStatus(await client.reply(nodeAt(deployment, 0), session, id, answer), [202], 'an answer');
            demandEqual((await askOutcome(client, call)).answer, answer, 'The answer that the tool got');
        }
    }
};

const serverIdsUnique: Check = {
    id: 'routing.server-ids-unique',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0), { capabilities });
        const questions = await Promise.all(
            [0, 1, 2, 0, 1, 2].map((index, number) => ask(client, nodeAt(deployment, index), session, { text: `question ${number}` }))
        );
        const ids = questions.map(({ id }) => id);
        demand(new Set(ids).size === ids.length, `The server's requests that wait at the same time have the ids ${JSON.stringify(ids)}`);
    }
};

const repliesNotConfused: Check = {
    id: 'routing.replies-not-confused',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0), { capabilities });
        const texts = Array.from({ length: 9 }, (_, index) => `question ${index}`);
        const questions = await Promise.all(
            texts.map(async (text, index) => ({ text, index, ...(await ask(client, nodeAt(deployment, index), session, { text })) }))
        );
        for (const { text, index, id, message } of questions.toReversed()) {
            demandEqual(message.params?.message, text, 'The text of the question');
            const reply = await client.reply(nodeAt(deployment, index + 1), session, id, answerOf('elicitation', `answer to ${text}`));
            await demandStatus(reply, [202], 'an answer');
        }
        for (const { text, call } of questions) {
            const expected = answerOf('elicitation', `answer to ${text}`);
            demandEqual((await askOutcome(client, call)).answer, expected, `The answer to ${text}`);
        }
    }
};

const replyOfOtherSession: Check = {
    id: 'routing.reply-of-other-session',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0), { capabilities });
        const other = await client.openSession(nodeAt(deployment, 1), { capabilities });
        const { call, id } = await ask(client, nodeAt(deployment, 0), session);
        for (const node of deployment.nodes) {
            const answer = await client.reply(node, other, id, answerOf('elicitation', 'from elsewhere'));
            await demandStatus(answer, isTakenOrRefused, 'an answer to a question of another session');
        }
        const genuine = answerOf('elicitation', 'genuine');
        await demandStatus(await client.reply(nodeAt(deployment, 1), session, id, genuine), [202], 'the answer of the right session');
        demandEqual((await askOutcome(client, call)).answer, genuine, 'The answer that the tool got');
    }
};

const unknownReplyHarmless: Check = {
    id: 'routing.unknown-reply-harmless',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        for (const node of deployment.nodes) {
            for (const id of ['never-asked', 4_711]) {
                const answer = await client.reply(node, session, id, answerOf('elicitation', 'unasked'));
                await demandStatus(answer, isTakenOrRefused, 'an answer to a question that was never asked');
            }
            await whoami(client, node, session);
        }
    }
};

const lateReplyHarmless: Check = {
    id: 'routing.late-reply-harmless',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0), { capabilities });
        const { call, id } = await ask(client, nodeAt(deployment, 0), session, { timeoutMs: 200 });
        const outcome = await askOutcome(client, call);
        demand(outcome.isError, `A question that nobody has answered got ${JSON.stringify(outcome.answer)}`);
        for (const node of deployment.nodes) {
            const answer = await client.reply(node, session, id, answerOf('elicitation', 'too late'));
            await demandStatus(answer, isTakenOrRefused, 'an answer that comes too late');
            await whoami(client, node, session);
        }
    }
};

const duplicateReplyHarmless: Check = {
    id: 'routing.duplicate-reply-harmless',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0), { capabilities });
        const { call, id } = await ask(client, nodeAt(deployment, 0), session);
        const content = answerOf('elicitation', 'twice');
        const replies = await Promise.all([1, 2].map(index => client.reply(nodeAt(deployment, index), session, id, content)));
        for (const reply of replies) {
            await demandStatus(reply, isTakenOrRefused, 'one of two equal answers');
        }
        demand(
            replies.some(({ status }) => status === 202),
            'Of two equal answers, none was taken'
        );
        demandEqual((await askOutcome(client, call)).answer, content, 'The answer that the tool got');
        await whoami(client, nodeAt(deployment, 1), session);
    }
};

const deadNodeKnownMs = 25_000;
const retryMs = 500;

const replyToDeadNode: Check = {
    id: 'routing.reply-to-dead-node',
    timeoutMs: 60_000,
    async run({ deployment, client, signal }) {
        const session = await client.openSession(nodeAt(deployment, 0), { capabilities });
        const runner = (await whoami(client, nodeAt(deployment, 0), session)).node;
        const [survivor = nodeAt(deployment, 1)] = othersThan(deployment, runner);
        // A refusal means something only where the session is known.
        await whoami(client, survivor, session);
        const { id } = await ask(client, nodeAt(deployment, 0), session, { timeoutMs: 60_000 });
        await deployment.nodes.find(node => node.id === runner)?.kill();
        const deadline = performance.now() + deadNodeKnownMs;
        for (;;) {
            const answer = await client.reply(survivor, session, id, answerOf('elicitation', 'to nobody'));
            // Until it is certain that the node is dead, a server may ask the client to try again.
            const isUncertain = answer.status === 503 && answer.header('retry-after') !== undefined;
            if (!isUncertain || performance.now() > deadline) {
                await demandStatus(answer, isRefusalOfThisOnly, 'an answer to a node that was killed');
                return;
            }
            await delay(retryMs, undefined, { signal });
        }
    }
};

const serverCancellation: Check = {
    id: 'routing.server-cancellation',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0), { capabilities });
        const standalone = await listen(client, nodeAt(deployment, 1), session);
        const { call, id } = await ask(client, nodeAt(deployment, 1), session, { timeoutMs: 200 });
        await askOutcome(client, call);
        await call.answer.ended();
        const cancelled = [...call.answer.messages, ...standalone.messages].filter(({ method }) => method === 'notifications/cancelled');
        demand(cancelled.length > 0, `The server has given up question ${JSON.stringify(id)} and not cancelled it`);
        demandEqual(
            cancelled.map(({ params }) => params?.requestId),
            [id],
            'What the server has cancelled'
        );
    }
};

export const replyChecks: readonly Check[] = [
    replyAnywhere,
    samplingAnywhere,
    rootsAnywhere,
    errorAnywhere,
    askAnywhere,
    serverIdsUnique,
    repliesNotConfused,
    largeReply,
    replyOfOtherSession,
    unknownReplyHarmless,
    lateReplyHarmless,
    duplicateReplyHarmless,
    replyToDeadNode,
    serverCancellation
];

import { isResponse } from '../../http/jsonRpcMessage.ts';
import type { Check } from '../check.ts';
import { demand, demandEqual, demandStatus } from '../support/demands.ts';
import { nodeAt } from '../support/nodes.ts';
import {
    abortedAnywhere,
    announce,
    announced,
    answerOf,
    ask,
    askableCapabilities,
    askOutcome,
    letPass,
    listen,
    progressIn,
    startSleep
} from '../support/tools.ts';

const progressOnOwnStream: Check = {
    id: 'streams.progress-on-own-stream',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        const standalone = await listen(client, nodeAt(deployment, 1), session);
        for (const node of deployment.nodes) {
            const { answer, id, token } = await startSleep(client, node, session, { ms: 150, steps: 5 });
            await answer.response(id);
            demandEqual(progressIn(answer.messages, token), [1, 2, 3, 4, 5], `The progress in ${answer.describe()}`);
            const last = answer.messages.at(-1);
            demand(last !== undefined && isResponse(last), `${answer.describe()} has messages after the response`);
            demandEqual(progressIn(standalone.messages, token), [], 'Progress on the standalone stream');
        }
    }
};

const questionOnOwnStream: Check = {
    id: 'streams.question-on-own-stream',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0), { capabilities: askableCapabilities });
        const standalone = await listen(client, nodeAt(deployment, 1), session);
        for (const node of deployment.nodes) {
            const { call, id } = await ask(client, node, session);
            await demandStatus(await client.reply(node, session, id, answerOf('elicitation', 'yes')), [202], 'an answer');
            await askOutcome(client, call);
            await announce(client, node, session, `sentinel of ${node.id}`);
            await announced(standalone, `sentinel of ${node.id}`);
        }
        const question = standalone.messages.find(({ method }) => method === 'elicitation/create');
        demand(question === undefined, 'A question that belongs to a request came on the standalone stream');
    }
};

const disconnectIsNoCancellation: Check = {
    id: 'streams.disconnect-is-no-cancellation',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        const sleeping = await startSleep(client, nodeAt(deployment, 0), session, { ms: 600, steps: 60 });
        await sleeping.answer.close();
        await letPass(client, nodeAt(deployment, 0), session, 700);
        const aborted = await abortedAnywhere(client, deployment, session);
        demand(!aborted.includes(sleeping.id), 'A request was aborted when its connection was lost');
    }
};

export const requestStreamChecks: readonly Check[] = [progressOnOwnStream, questionOnOwnStream, disconnectIsNoCancellation];

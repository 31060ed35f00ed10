import { isResponse } from '../../http/jsonRpcMessage.ts';
import type { McpAnswer } from '../../http/mcpAnswer.ts';
import type { Check } from '../check.ts';
import { demandEqual, demandStatus } from '../support/demands.ts';
import { nodeAt, othersThan } from '../support/nodes.ts';
import {
    answerOf,
    ask,
    askableCapabilities,
    progressIn,
    progressOf,
    questionOn,
    readAskResult,
    resume,
    startSleep,
    whoami
} from '../support/tools.ts';
import { abandonSleep, demandComplete, firstEventId, numbersTo } from './support.ts';

const whileRunning: Check = {
    id: 'resumption.while-running',
    async run({ deployment, client }) {
        for (const node of deployment.nodes) {
            const session = await client.openSession(nodeAt(deployment, 0));
            const sleep = { ms: 700, steps: 14, seen: 3, finish: false };
            const left = await abandonSleep(client, nodeAt(deployment, 0), session, sleep);
            const resumed = await resume(client, node, session, left.answer.lastEventId);
            await resumed.response(left.id);
            await resumed.ended();
            demandComplete([...left.answer.messages, ...resumed.messages], left);
        }
    }
};

const afterResponse: Check = {
    id: 'resumption.after-response',
    async run({ deployment, client }) {
        for (const node of deployment.nodes) {
            const session = await client.openSession(nodeAt(deployment, 0));
            const sleep = { ms: 300, steps: 6, seen: 2, finish: true };
            const left = await abandonSleep(client, nodeAt(deployment, 0), session, sleep);
            const resumed = await resume(client, node, session, left.answer.lastEventId);
            await resumed.response(left.id);
            await resumed.ended();
            demandComplete([...left.answer.messages, ...resumed.messages], left);
        }
    }
};

const repeatable: Check = {
    id: 'resumption.repeatable',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        const sleep = { ms: 200, steps: 4, seen: 1, finish: true };
        const left = await abandonSleep(client, nodeAt(deployment, 0), session, sleep);
        for (const index of [1, 2, 0, 1]) {
            const resumed = await resume(client, nodeAt(deployment, index), session, left.answer.lastEventId);
            await resumed.ended();
            demandComplete([...left.answer.messages, ...resumed.messages], left);
        }
    }
};

const fromFirstEvent: Check = {
    id: 'resumption.from-first-event',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        const { answer, id, token } = await startSleep(client, nodeAt(deployment, 0), session, { ms: 200, steps: 10 });
        await answer.response(id);
        await answer.ended();
        const first = firstEventId(answer);
        const beforeIt = answer.arrivals.filter(({ eventId, message }) => eventId === first && message !== undefined);
        const resumed = await resume(client, nodeAt(deployment, 1), session, first);
        await resumed.ended();
        demandComplete([...beforeIt.flatMap(({ message }) => message ?? []), ...resumed.messages], { id, token, steps: 10 });
    }
};

const hopping: Check = {
    id: 'resumption.hopping',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        const steps = 60;
        const { answer, id, token } = await startSleep(client, nodeAt(deployment, 0), session, { ms: 2_400, steps });
        const parts: McpAnswer[] = [answer];
        let current = answer;
        let lastEventId: string | undefined;
        for (let hop = 1; !current.messages.some(isResponse); hop++) {
            await current.message('further progress', message => progressOf(message, token) !== undefined || isResponse(message));
            if (current.messages.some(isResponse)) {
                break;
            }
            await current.close();
            lastEventId = current.lastEventId ?? lastEventId;
            current = await resume(client, nodeAt(deployment, hop), session, lastEventId);
            parts.push(current);
        }
        demandComplete(
            parts.flatMap(({ messages }) => messages),
            { id, token, steps }
        );
    }
};

const takesOver: Check = {
    id: 'resumption.takes-over',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        const steps = 16;
        const { answer, id, token } = await startSleep(client, nodeAt(deployment, 0), session, { ms: 800, steps });
        const before = answer.arrivals.findLast(({ eventId }) => eventId !== undefined);
        const seen = progressIn(answer.messages, token).at(-1) ?? 0;
        const resumed = await resume(client, nodeAt(deployment, 1), session, before?.eventId);
        await resumed.response(id);
        demandEqual(
            progressIn(resumed.messages, token),
            numbersTo(steps).slice(seen),
            `The progress after ${seen} that the new connection got`
        );
    }
};

const questionRepeated: Check = {
    id: 'resumption.question-repeated',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0), { capabilities: askableCapabilities });
        const { call, id } = await ask(client, nodeAt(deployment, 0), session);
        const first = firstEventId(call.answer);
        // Where the first event is the question itself, there is nothing before it to resume from, and it does not come again.
        const comesAgain = call.answer.arrivals.find(({ eventId }) => eventId === first)?.message === undefined;
        await call.answer.close();
        const resumed = await resume(client, nodeAt(deployment, 1), session, first);
        if (comesAgain) {
            demandEqual((await questionOn(resumed)).id, id, 'The id of the question that came again');
        }
        const reply = answerOf('elicitation', 'after all');
        await demandStatus(await client.reply(nodeAt(deployment, 2), session, id, reply), [202], 'an answer');
        const result = await client.toolResult({ id: call.id, answer: resumed });
        demandEqual(readAskResult(result).answer, reply, 'The answer that the tool got');
    }
};

const survivesProducer: Check = {
    id: 'resumption.survives-producer',
    timeoutMs: 60_000,
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        const runner = (await whoami(client, nodeAt(deployment, 0), session)).node;
        const sleep = { ms: 200, steps: 4, seen: 1, finish: true };
        const left = await abandonSleep(client, nodeAt(deployment, 0), session, sleep);
        await deployment.nodes.find(node => node.id === runner)?.kill();
        for (const node of othersThan(deployment, runner)) {
            const resumed = await resume(client, node, session, left.answer.lastEventId);
            await resumed.response(left.id);
            demandComplete([...left.answer.messages, ...resumed.messages], left);
        }
    }
};

export const requestStreamResumptionChecks: readonly Check[] = [
    whileRunning,
    afterResponse,
    repeatable,
    fromFirstEvent,
    hopping,
    takesOver,
    questionRepeated,
    survivesProducer
];

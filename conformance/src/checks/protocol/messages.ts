import { isResponse, type RequestId } from '../../http/jsonRpcMessage.ts';
import type { Check } from '../check.ts';
import { demand, demandEqual, demandStatus, isRefusal, isRefusalOfThisOnly } from '../support/demands.ts';
import { nodeAt } from '../support/nodes.ts';
import { answerOf, ask, askableCapabilities, whoami } from '../support/tools.ts';

const requestAnswered: Check = {
    id: 'protocol.request-answered',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        const ids: readonly RequestId[] = [7, '7', 'a b/ü', 2 ** 40];
        for (const node of deployment.nodes) {
            await Promise.all(
                ids.map(async id => {
                    const { answer } = await client.start(node, session, 'ping', undefined, id);
                    const response = await answer.message('a response', isResponse);
                    demand(answer.status === 200, `${answer.describe()} should have been 200`);
                    demandEqual(response.id, id, `The id of the response at ${node.id}`);
                    demandEqual(response.error, undefined, `The error of ping at ${node.id}`);
                })
            );
        }
    }
};

const answerType: Check = {
    id: 'protocol.answer-type',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        for (const node of deployment.nodes) {
            const { answer } = await client.start(node, session, 'tools/list');
            const type = answer.header('content-type') ?? '(none)';
            demand(answer.status === 200, `${answer.describe()} should have been 200`);
            demand(/^(text\/event-stream|application\/json)\b/.test(type), `${answer.describe()} has content type ${type}`);
        }
    }
};

const streamEndsWithResponse: Check = {
    id: 'protocol.stream-ends-with-response',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        for (const node of deployment.nodes) {
            const { id, answer } = await client.startTool(node, session, 'sleep', { ms: 20 });
            await answer.response(id);
            await answer.ended();
            const responses = answer.messages.filter(isResponse);
            demand(responses.length === 1, `${answer.describe()} holds ${responses.length} responses`);
            demand(answer.messages.at(-1) === responses[0], `${answer.describe()} goes on after the response`);
        }
    }
};

const notificationAccepted: Check = {
    id: 'protocol.notification-accepted',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0), { capabilities: { roots: { listChanged: true } } });
        for (const node of deployment.nodes) {
            const answer = await client.notify(node, session, 'notifications/roots/list_changed');
            await demandStatus(answer, [202], 'a notification');
            demandEqual(await answer.text(), '', `The body of ${answer.describe()}`);
        }
    }
};

const responseAccepted: Check = {
    id: 'protocol.response-accepted',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0), { capabilities: askableCapabilities });
        const { id } = await ask(client, nodeAt(deployment, 0), session);
        const answer = await client.reply(nodeAt(deployment, 0), session, id, answerOf('elicitation', 'yes'));
        await demandStatus(answer, [202], 'a response that the server waits for');
        demandEqual(await answer.text(), '', `The body of ${answer.describe()}`);
    }
};

const malformedBodyRefused: Check = {
    id: 'protocol.malformed-body-refused',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        for (const node of deployment.nodes) {
            for (const body of ['', '{"jsonrpc":"2.0",', '"text"', '{"jsonrpc":"2.0"}', '{"jsonrpc":"1.0","id":1,"method":"ping"}']) {
                await demandStatus(await client.postText(node, body, { session }), isRefusal, `the body ${JSON.stringify(body)}`);
            }
            await whoami(client, node, session);
        }
    }
};

const unknownMethodAnswered: Check = {
    id: 'protocol.unknown-method-answered',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        for (const node of deployment.nodes) {
            const { error } = await client.request(node, session, 'no/such/method');
            demand(error !== undefined, `A request of an unknown method at ${node.id} has succeeded`);
        }
    }
};

const unknownNotificationHarmless: Check = {
    id: 'protocol.unknown-notification-harmless',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        for (const node of deployment.nodes) {
            const answer = await client.notify(node, session, 'notifications/no/such/thing');
            await demandStatus(answer, status => status === 202 || isRefusalOfThisOnly(status), 'a notification of an unknown method');
            await whoami(client, node, session);
        }
    }
};

const jsonAnswer: Check = {
    id: 'protocol.json-answer',
    settings: { responseMode: 'json' },
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        for (const node of deployment.nodes) {
            const { id, answer } = await client.startTool(node, session, 'sleep', { ms: 20, steps: 2 }, { progressToken: 'progress' });
            const type = answer.header('content-type') ?? '(none)';
            demand(type.startsWith('application/json'), `${answer.describe()} has content type ${type}`);
            await answer.response(id);
            demand(answer.messages.length === 1, `${answer.describe()} holds ${answer.messages.length} messages`);
        }
    }
};

const batchAnswered: Check = {
    id: 'protocol.batch-answered',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0), { protocolVersion: '2025-03-26' });
        for (const node of deployment.nodes) {
            const batch = [
                { jsonrpc: '2.0', id: 'one', method: 'ping' },
                { jsonrpc: '2.0', method: 'notifications/roots/list_changed' },
                { jsonrpc: '2.0', id: 'two', method: 'tools/list' }
            ];
            const answer = await client.post(node, batch, { session });
            await answer.ended();
            const ids = answer.messages.filter(({ result }) => result !== undefined).map(({ id }) => id);
            demandEqual(ids.toSorted(), ['one', 'two'], `The ids of the responses in ${answer.describe()}`);
        }
    }
};

export const messageChecks: readonly Check[] = [
    requestAnswered,
    answerType,
    streamEndsWithResponse,
    notificationAccepted,
    responseAccepted,
    malformedBodyRefused,
    unknownMethodAnswered,
    unknownNotificationHarmless,
    jsonAnswer,
    batchAnswered
];

import type { Deployment } from '../../drivers/deployment.ts';
import { isResponse } from '../../http/jsonRpcMessage.ts';
import type { McpAnswer } from '../../http/mcpAnswer.ts';
import type { Endpoint, McpClient, McpSession } from '../../http/mcpClient.ts';
import type { Check } from '../check.ts';
import { demand, demandStatus } from '../support/demands.ts';
import { nodeAt } from '../support/nodes.ts';
import { answerOf, ask, askableCapabilities, listen, startSleep, whoami } from '../support/tools.ts';

/** Time that a server has to tell its other nodes, and some more so that the check is not about milliseconds. */
const spreadMs = 3_000 + 1_000;

const isSuccess = (status: number): boolean => status >= 200 && status < 300;

async function remove(client: McpClient, node: Endpoint, session: McpSession): Promise<void> {
    await demandStatus(await client.delete(node, { session }), isSuccess, 'DELETE');
}

async function demandGone(client: McpClient, { nodes }: Deployment, session: McpSession): Promise<void> {
    for (const node of nodes) {
        await demandStatus((await client.start(node, session, 'tools/list')).answer, [404], 'a request of a deleted session');
        const notification = await client.notify(node, session, 'notifications/roots/list_changed');
        await demandStatus(notification, [404], 'a notification of a deleted session');
        await demandStatus(await client.get(node, { session }), [404], 'GET of a deleted session');
    }
}

/** Lets every node serve the session once. */
async function warmUp(client: McpClient, { nodes }: Deployment, session: McpSession): Promise<void> {
    for (const node of nodes) {
        await whoami(client, node, session);
    }
}

const acceptedEverywhere: Check = {
    id: 'deletion.accepted-everywhere',
    async run({ deployment, client }) {
        for (const node of deployment.nodes) {
            await remove(client, node, await client.openSession(nodeAt(deployment, 0)));
        }
    }
};

const endsSessionEverywhere: Check = {
    id: 'deletion.ends-session-everywhere',
    async run({ deployment, client }) {
        for (const node of deployment.nodes) {
            const session = await client.openSession(nodeAt(deployment, 0));
            await warmUp(client, deployment, session);
            await remove(client, node, session);
            await demandGone(client, deployment, session);
        }
    }
};

const repeated: Check = {
    id: 'deletion.repeated',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        await warmUp(client, deployment, session);
        await remove(client, nodeAt(deployment, 0), session);
        for (const node of deployment.nodes) {
            await demandStatus(await client.delete(node, { session }), [404], 'DELETE of a deleted session');
        }
    }
};

const concurrent: Check = {
    id: 'deletion.concurrent',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        await warmUp(client, deployment, session);
        const answers = await Promise.all([0, 1, 2].map(index => client.delete(nodeAt(deployment, index), { session })));
        for (const answer of answers) {
            await demandStatus(answer, status => isSuccess(status) || status === 404, 'one of several DELETE at once');
        }
        demand(
            answers.some(({ status }) => isSuccess(status)),
            'Of several DELETE at once, none has succeeded'
        );
        await demandGone(client, deployment, session);
    }
};

const closesStreams: Check = {
    id: 'deletion.closes-streams',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        const stream = await listen(client, nodeAt(deployment, 0), session);
        await remove(client, nodeAt(deployment, 1), session);
        await stream.ended(spreadMs);
    }
};

/** Waits for the end of an answer that must not hold a result. */
async function demandEndWithoutResult(answer: McpAnswer): Promise<void> {
    await answer.ended(spreadMs);
    const result = answer.messages.find(message => isResponse(message) && message.result !== undefined);
    demand(result === undefined, `${answer.describe()} holds a result although the session was deleted: ${JSON.stringify(result)}`);
}

const endsRunningRequests: Check = {
    id: 'deletion.ends-running-requests',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        const { answer } = await startSleep(client, nodeAt(deployment, 0), session, { ms: 15_000, steps: 150 });
        await remove(client, nodeAt(deployment, 1), session);
        await demandEndWithoutResult(answer);
    }
};

const endsQuestions: Check = {
    id: 'deletion.ends-questions',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0), { capabilities: askableCapabilities });
        const { call, id } = await ask(client, nodeAt(deployment, 0), session);
        await remove(client, nodeAt(deployment, 1), session);
        await demandEndWithoutResult(call.answer);
        for (const node of deployment.nodes) {
            const answer = await client.reply(node, session, id, answerOf('elicitation', 'too late'));
            await demandStatus(answer, [404], 'an answer in a deleted session');
        }
    }
};

const endsResumption: Check = {
    id: 'deletion.ends-resumption',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        const { answer } = await startSleep(client, nodeAt(deployment, 0), session, { ms: 100, steps: 5 });
        await answer.ended();
        const lastEventId = answer.arrivals.find(({ eventId }) => eventId !== undefined)?.eventId;
        demand(lastEventId !== undefined, `${answer.describe()} has no event ids`);
        await remove(client, nodeAt(deployment, 1), session);
        for (const node of deployment.nodes) {
            await demandStatus(await client.get(node, { session, lastEventId }), [404], 'resuming a stream of a deleted session');
        }
    }
};

const isFinal: Check = {
    id: 'deletion.is-final',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        let deleted = false;
        const hammer = async (index: number) => {
            for (let turn = 0; !deleted; turn++) {
                // Setting the level writes the shared record, which is how it could come back.
                const [method, params] = turn % 2 === 0 ? ['logging/setLevel', { level: 'info' }] : ['ping', undefined];
                const { answer } = await client.start(nodeAt(deployment, index), session, method as string, params);
                await answer.ended();
                const allowed = (status: number) => status === 200 || status === 404;
                await demandStatus(answer, allowed, `${method as string} while the session is deleted`);
            }
        };
        const hammers = Promise.all([0, 1, 2, 0, 1, 2].map(hammer));
        // Awaited below, unless something else fails first.
        hammers.catch(() => undefined);
        await warmUp(client, deployment, session);
        await remove(client, nodeAt(deployment, 1), session).finally(() => {
            deleted = true;
        });
        await demandGone(client, deployment, session);
        await hammers;
        // All that was on its way has arrived now.
        await demandGone(client, deployment, session);
    }
};

const sparesOtherSessions: Check = {
    id: 'deletion.spares-other-sessions',
    async run({ deployment, client }) {
        const [doomed, spared] = await Promise.all([0, 0].map(index => client.openSession(nodeAt(deployment, index))));
        if (doomed === undefined || spared === undefined) {
            return;
        }
        await warmUp(client, deployment, doomed);
        await warmUp(client, deployment, spared);
        await remove(client, nodeAt(deployment, 1), doomed);
        await warmUp(client, deployment, spared);
    }
};

export const deletionChecks: readonly Check[] = [
    acceptedEverywhere,
    endsSessionEverywhere,
    repeated,
    concurrent,
    closesStreams,
    endsRunningRequests,
    endsQuestions,
    endsResumption,
    isFinal,
    sparesOtherSessions
];

import type { NodeSettings } from '../../drivers/deployment.ts';
import type { Check } from '../check.ts';
import { demand, demandEqual, demandStatus, strangerStatuses } from '../support/demands.ts';
import { nodeAt } from '../support/nodes.ts';
import {
    abortedAnywhere,
    announce,
    announced,
    announcementsIn,
    answerOf,
    ask,
    askableCapabilities,
    askOutcome,
    listen,
    startSleep,
    whoami
} from '../support/tools.ts';

const settings: NodeSettings = { auth: 'bearer' };
const owner = 'user:ann';
const stranger = 'user:eve';

const originChecked: Check = {
    id: 'security.origin-checked',
    async run({ deployment, client }) {
        const headers = { origin: 'http://attacker.example' };
        const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'page', version: '1' } };
        for (const node of deployment.nodes) {
            const session = await client.openSession(node);
            const initialize = await client.post(node, { jsonrpc: '2.0', id: 1, method: 'initialize', params }, { headers });
            await demandStatus(initialize, [403], 'initialize of a foreign origin');
            const request = await client.post(node, { jsonrpc: '2.0', id: 2, method: 'tools/list' }, { session, headers });
            await demandStatus(request, [403], 'a request of a foreign origin');
            await demandStatus(await client.get(node, { session, headers }), [403], 'GET of a foreign origin');
            await demandStatus(await client.delete(node, { session, headers }), [403], 'DELETE of a foreign origin');
        }
    }
};

const tokenDemanded: Check = {
    id: 'security.token-demanded',
    settings,
    async run({ deployment, client }) {
        const owned = await client.openSession(nodeAt(deployment, 0), { token: owner });
        const session = { ...owned, token: undefined };
        const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'nobody', version: '1' } };
        for (const node of deployment.nodes) {
            const initialize = await client.post(node, { jsonrpc: '2.0', id: 1, method: 'initialize', params });
            await demandStatus(initialize, [401], 'initialize without a token');
            await demandStatus((await client.start(node, session, 'ping')).answer, [401], 'a request without a token');
            const notification = await client.notify(node, session, 'notifications/roots/list_changed');
            await demandStatus(notification, [401], 'a notification without a token');
            await demandStatus(await client.get(node, { session }), [401], 'GET without a token');
            await demandStatus(await client.delete(node, { session }), [401], 'DELETE without a token');
        }
        await whoami(client, nodeAt(deployment, 1), owned);
    }
};

const principalOfRequest: Check = {
    id: 'security.principal-of-request',
    settings,
    async run({ deployment, client }) {
        for (const name of ['ann', 'bob']) {
            const session = await client.openSession(nodeAt(deployment, 0), { token: `user:${name}` });
            for (const node of deployment.nodes) {
                demandEqual((await whoami(client, node, session)).principal, name, `The principal that a tool sees at ${node.id}`);
            }
        }
    }
};

const strangerRequestRefused: Check = {
    id: 'security.stranger-request-refused',
    settings,
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0), { token: owner });
        const stream = await listen(client, nodeAt(deployment, 0), session);
        for (const node of deployment.nodes) {
            const { answer } = await client.startTool(node, { ...session, token: stranger }, 'announce', { text: 'intruder' });
            await demandStatus(answer, strangerStatuses, "a request in somebody else's session");
        }
        for (const node of deployment.nodes) {
            await announce(client, node, session, `owner at ${node.id}`);
            await announced(stream, `owner at ${node.id}`);
        }
        const texts = announcementsIn(stream.messages).map(({ text }) => text);
        demand(!texts.includes('intruder'), "A request in somebody else's session was refused, and carried out all the same");
    }
};

const strangerStreamRefused: Check = {
    id: 'security.stranger-stream-refused',
    settings,
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0), { token: owner });
        for (const node of deployment.nodes) {
            const answer = await client.get(node, { session: { ...session, token: stranger } });
            await demandStatus(answer, strangerStatuses, "GET of somebody else's session");
        }
    }
};

const strangerResumptionRefused: Check = {
    id: 'security.stranger-resumption-refused',
    settings,
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0), { token: owner });
        const { answer: sleeping } = await startSleep(client, nodeAt(deployment, 0), session, { ms: 100, steps: 5 });
        await sleeping.ended();
        const lastEventId = sleeping.arrivals.find(({ eventId }) => eventId !== undefined)?.eventId;
        demand(lastEventId !== undefined, `${sleeping.describe()} has no event ids`);
        for (const node of deployment.nodes) {
            const answer = await client.get(node, { session: { ...session, token: stranger }, lastEventId });
            await demandStatus(answer, strangerStatuses, "resuming a stream of somebody else's session");
        }
    }
};

const strangerDeleteRefused: Check = {
    id: 'security.stranger-delete-refused',
    settings,
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0), { token: owner });
        for (const node of deployment.nodes) {
            const answer = await client.delete(node, { session: { ...session, token: stranger } });
            await demandStatus(answer, strangerStatuses, "DELETE of somebody else's session");
        }
        for (const node of deployment.nodes) {
            await whoami(client, node, session);
        }
    }
};

const strangerReplyRefused: Check = {
    id: 'security.stranger-reply-refused',
    settings,
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0), { token: owner, capabilities: askableCapabilities });
        const { call, id } = await ask(client, nodeAt(deployment, 0), session);
        for (const node of deployment.nodes) {
            const answer = await client.reply(node, { ...session, token: stranger }, id, answerOf('elicitation', 'intruder'));
            await demandStatus(answer, strangerStatuses, "an answer in somebody else's session");
        }
        const genuine = answerOf('elicitation', 'owner');
        await demandStatus(await client.reply(nodeAt(deployment, 1), session, id, genuine), [202], "the owner's answer");
        demandEqual((await askOutcome(client, call)).answer, genuine, 'The answer that the tool got');
    }
};

const strangerCancellationRefused: Check = {
    id: 'security.stranger-cancellation-refused',
    settings,
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0), { token: owner });
        const sleeping = await startSleep(client, nodeAt(deployment, 0), session, { ms: 800, steps: 80 });
        for (const node of deployment.nodes) {
            const params = { requestId: sleeping.id };
            const answer = await client.notify(node, { ...session, token: stranger }, 'notifications/cancelled', params);
            await demandStatus(answer, strangerStatuses, "a cancellation in somebody else's session");
        }
        await client.toolResult(sleeping);
        const aborted = await abortedAnywhere(client, deployment, session);
        demand(!aborted.includes(sleeping.id), "A cancellation in somebody else's session was refused, and carried out all the same");
    }
};

export const securityChecks: readonly Check[] = [
    originChecked,
    tokenDemanded,
    principalOfRequest,
    strangerRequestRefused,
    strangerStreamRefused,
    strangerResumptionRefused,
    strangerDeleteRefused,
    strangerReplyRefused,
    strangerCancellationRefused
];

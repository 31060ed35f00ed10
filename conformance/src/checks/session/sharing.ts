import { RequirementNotMetError } from '../../errors.ts';
import { isResponse } from '../../http/jsonRpcMessage.ts';
import type { McpClient, NewSession } from '../../http/mcpClient.ts';
import type { DeployedNode } from '../../drivers/deployment.ts';
import type { Check } from '../check.ts';
import { demand, demandEqual, demandStatus, isRefusalOfThisOnly } from '../support/demands.ts';
import { nodeAt, othersThan } from '../support/nodes.ts';
import { askableCapabilities, whoami } from '../support/tools.ts';

const rounds = 5;

const usableEverywhere: Check = {
    id: 'session.usable-everywhere',
    async run({ deployment, client }) {
        for (const creator of deployment.nodes) {
            for (let round = 0; round < rounds; round++) {
                await useBeforeAnswerIsRead(client, creator, othersThan(deployment, creator.id));
            }
        }
    }
};

/** Uses a session as soon as its id is there, which is before the body of the answer to `initialize`. */
async function useBeforeAnswerIsRead(client: McpClient, creator: DeployedNode, others: readonly DeployedNode[]): Promise<void> {
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'early', version: '1' } };
    const initialize = { jsonrpc: '2.0', id: 'initialize', method: 'initialize', params };
    const answer = await client.post(creator, initialize);
    const id = answer.header('mcp-session-id');
    if (id === undefined) {
        throw new RequirementNotMetError(`${answer.describe()} has no session id`);
    }
    // A client may ping before it sends notifications/initialized.
    const pings = await Promise.all(others.map(node => client.start(node, { id }, 'ping')));
    for (const { answer: pong, id: pingId } of pings) {
        const { result, error } = await pong.response(pingId);
        demand(pong.status === 200 && result !== undefined, `${pong.describe()} was no result: ${JSON.stringify(error)}`);
    }
    await answer.response('initialize');
}

const clientInfo = { name: 'an-unusual-name', version: '7.5.3' };

const clientInfoEverywhere: Check = {
    id: 'session.client-info-everywhere',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0), { clientInfo });
        for (const node of deployment.nodes) {
            const known = await whoami(client, node, session);
            demandEqual(known.sessionId, session.id, `The session id that a tool sees at ${node.id}`);
            demandEqual(
                { name: known.clientInfo?.name, version: known.clientInfo?.version },
                clientInfo,
                `The client as a tool sees it at ${node.id}`
            );
        }
    }
};

const capabilitiesEverywhere: Check = {
    id: 'session.capabilities-everywhere',
    async run({ deployment, client }) {
        const capabilities = { ...askableCapabilities, roots: { listChanged: true }, experimental: { unheardOf: { depth: 3 } } };
        const session = await client.openSession(nodeAt(deployment, 0), { capabilities });
        for (const node of deployment.nodes) {
            const known = (await whoami(client, node, session)).clientCapabilities ?? {};
            // Libraries may spell out what the empty object stands for.
            demandEqual(Object.keys(known).toSorted(), Object.keys(capabilities).toSorted(), `What the client can do, at ${node.id},`);
            demandEqual(known.roots, capabilities.roots, `What the client can do with roots, at ${node.id},`);
            demandEqual(known.experimental, capabilities.experimental, `The client's experimental capabilities, at ${node.id},`);
        }
    }
};

const logLevelEverywhere: Check = {
    id: 'session.log-level-everywhere',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        // Now every node has a copy that has to learn of the change.
        for (const node of deployment.nodes) {
            await whoami(client, node, session);
        }
        for (const [index, level] of ['warning', 'debug', 'error'].entries()) {
            const setter = nodeAt(deployment, index + 1);
            const { error } = await client.request(setter, session, 'logging/setLevel', { level });
            demand(error === undefined, `logging/setLevel at ${setter.id} failed: ${JSON.stringify(error)}`);
            const seen = await Promise.all(deployment.nodes.map(async node => (await whoami(client, node, session)).logLevel));
            deployment.nodes.forEach((node, i) => demandEqual(seen[i], level, `The log level at ${node.id}, set at ${setter.id},`));
        }
    }
};

const initializedAnywhere: Check = {
    id: 'session.initialized-anywhere',
    async run({ deployment, client }) {
        const session = await client.initialize(nodeAt(deployment, 0));
        const answer = await client.notify(nodeAt(deployment, 1), session, 'notifications/initialized');
        await demandStatus(answer, [202], 'notifications/initialized at another node than initialize');
        for (const node of deployment.nodes) {
            await whoami(client, node, session);
        }
    }
};

const versionsEverywhere: Check = {
    id: 'session.versions-everywhere',
    async run({ deployment, client, note }) {
        for (const [index, protocolVersion] of ['2025-03-26', '2025-06-18', '2025-11-25'].entries()) {
            const session = await client.openSession(nodeAt(deployment, index), { protocolVersion });
            if (session.protocolVersion !== protocolVersion) {
                note(`The server prefers ${session.protocolVersion} over ${protocolVersion}`);
            }
            for (const node of deployment.nodes) {
                demandEqual((await whoami(client, node, session)).sessionId, session.id, `The session id that a tool sees at ${node.id}`);
            }
        }
    }
};

const concurrentColdRequests = 20;

const coldStartConcurrent: Check = {
    id: 'session.cold-start-concurrent',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0), { clientInfo, capabilities: askableCapabilities });
        const cold = nodeAt(deployment, 1);
        const answers = await Promise.all(Array.from({ length: concurrentColdRequests }, () => whoami(client, cold, session)));
        for (const known of answers) {
            demandEqual(known.sessionId, session.id, `The session id that a tool sees at ${cold.id}`);
            demandEqual(known.clientInfo?.name, clientInfo.name, `The client's name at ${cold.id}`);
            demand(known.clientCapabilities?.elicitation !== undefined, `A tool at ${cold.id} does not know the client's capabilities`);
        }
    }
};

const secondInitializeRefused: Check = {
    id: 'session.second-initialize-refused',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0), { clientInfo });
        for (const node of deployment.nodes) {
            await initializeAgain(client, node, session);
        }
        for (const node of deployment.nodes) {
            const { clientInfo: known } = await whoami(client, node, session);
            demandEqual(known?.name, clientInfo.name, `The client's name at ${node.id}, after a second initialize,`);
        }
    }
};

async function initializeAgain(client: McpClient, node: DeployedNode, session: NewSession): Promise<void> {
    const params = { protocolVersion: session.protocolVersion, capabilities: {}, clientInfo: { name: 'another', version: '1' } };
    const { id, answer } = await client.start(node, session, 'initialize', params);
    if (answer.status !== 200) {
        await demandStatus(answer, isRefusalOfThisOnly, 'a second initialize');
        return;
    }
    const response = await answer.message('a response', isResponse);
    demand(response.error !== undefined, `A second initialize (${JSON.stringify(id)}) at ${node.id} has succeeded`);
}

export const sharingChecks: readonly Check[] = [
    usableEverywhere,
    clientInfoEverywhere,
    capabilitiesEverywhere,
    logLevelEverywhere,
    initializedAnywhere,
    versionsEverywhere,
    coldStartConcurrent,
    secondInitializeRefused
];

import type { DeployedNode } from '../../drivers/deployment.ts';
import type { McpSession } from '../../http/mcpClient.ts';
import type { Check, CheckContext } from '../check.ts';
import { demand, demandEqual, demandStatus } from '../support/demands.ts';
import { Listener, otherThan, runnerBehind, untilServed } from '../support/faults.ts';
import { nodeAt } from '../support/nodes.ts';
import { announce, ask, askableCapabilities, startSleep, whoami } from '../support/tools.ts';

const timeoutMs = 120_000;

/** Ends nodes and starts them again, one after the other. @param during runs beside each, until it is told that the node is back. */
async function replaceAll(
    { deployment }: CheckContext,
    during: (replaced: DeployedNode, back: AbortSignal) => Promise<void>
): Promise<void> {
    for (const node of deployment.nodes) {
        const back = new AbortController();
        const replacing = (async () => {
            await node.stop();
            await node.start();
        })().finally(() => back.abort());
        await Promise.all([replacing, during(node, back.signal)]);
    }
}

const rollingRestart: Check = {
    id: 'deploy.rolling-restart',
    timeoutMs,
    async run(context) {
        const { client, deployment } = context;
        const session = await client.openSession(nodeAt(deployment, 0));
        await replaceAll(context, async (replaced, back) => {
            for (let turn = 0; !back.aborted; turn++) {
                const node = otherThan(context, replaced, turn);
                const { answer, id } = await client.startTool(node, session, 'sleep', { ms: 20 });
                if (answer.status !== 200) {
                    await demandStatus(answer, [200], `a request while ${replaced.id} is replaced`);
                }
                await answer.response(id);
            }
            await untilServed(context, replaced, session);
        });
    }
};

const stateOutlivesNodes: Check = {
    id: 'deploy.state-outlives-nodes',
    timeoutMs,
    async run(context) {
        const { client, deployment } = context;
        const session = await client.openSession(nodeAt(deployment, 0), {
            clientInfo: { name: 'older-than-all-nodes', version: '1' },
            capabilities: { roots: { listChanged: true } }
        });
        await client.request(nodeAt(deployment, 0), session, 'logging/setLevel', { level: 'notice' });
        await replaceAll(context, () => Promise.resolve());
        for (const node of deployment.nodes) {
            await untilServed(context, node, session);
            const { clientInfo, clientCapabilities, logLevel } = await whoami(client, node, session);
            demandEqual(clientInfo?.name, 'older-than-all-nodes', `The client's name at ${node.id}`);
            demandEqual(clientCapabilities?.roots, { listChanged: true }, `What the client can do with roots, at ${node.id},`);
            demandEqual(logLevel, 'notice', `The log level at ${node.id}`);
        }
    }
};

const listeningThroughRestart: Check = {
    id: 'deploy.listening-through-restart',
    timeoutMs,
    async run(context) {
        const { client, deployment } = context;
        const session = await client.openSession(nodeAt(deployment, 0));
        const listener = new Listener(context, session);
        await listener.at(nodeAt(deployment, 0));
        const said: string[] = [];
        await replaceAll(context, async (replaced, back) => {
            const speaker = otherThan(context, replaced);
            let resumed = false;
            for (let turn = 0; turn === 0 || !back.aborted; turn++) {
                const text = `${turn} while ${replaced.id} is replaced`;
                await announce(client, speaker, session, text);
                said.push(`${text} 0`);
                if (listener.connection.end !== undefined) {
                    await listener.at(speaker);
                    resumed = true;
                }
                if (resumed) {
                    await listener.until(text);
                }
            }
        });
        if (listener.connection.end !== undefined) {
            await listener.at(nodeAt(deployment, 0));
        }
        await announce(client, nodeAt(deployment, 1), session, 'at the end');
        await listener.until('at the end');
        demandEqual(listener.heard, [...said, 'at the end 0'], 'What the client has heard');
    }
};

/** Replaces a node by a process of the same name, which knows nothing of it. */
async function killAndStart(context: CheckContext, node: DeployedNode, session: McpSession): Promise<void> {
    await node.kill();
    await node.start();
    await untilServed(context, node, session);
}

const questionIdsNotReused: Check = {
    id: 'deploy.question-ids-not-reused',
    timeoutMs,
    async run(context) {
        const { client, deployment } = context;
        const session = await client.openSession(nodeAt(deployment, 0), { capabilities: askableCapabilities });
        const node = await runnerBehind(context, nodeAt(deployment, 0), session);
        const ids: unknown[] = [];
        for (let life = 0; life < 2; life++) {
            for (let turn = 0; turn < 3; turn++) {
                ids.push((await ask(client, node, session)).id);
            }
            await killAndStart(context, node, session);
        }
        demand(new Set(ids).size === ids.length, `Questions of two processes with the same name have the ids ${JSON.stringify(ids)}`);
    }
};

const eventIdsNotReused: Check = {
    id: 'deploy.event-ids-not-reused',
    timeoutMs,
    async run(context) {
        const { client, deployment } = context;
        const session = await client.openSession(nodeAt(deployment, 0));
        const node = await runnerBehind(context, nodeAt(deployment, 0), session);
        const lives: Set<string>[] = [];
        for (let life = 0; life < 2; life++) {
            const { answer, id } = await startSleep(client, node, session, { ms: 50, steps: 5 });
            await answer.response(id);
            lives.push(new Set(answer.arrivals.flatMap(({ eventId }) => eventId ?? [])));
            await killAndStart(context, node, session);
        }
        const [first = new Set(), second = new Set()] = lives;
        demand(first.size > 0, `${node.id} gives no event ids`);
        const both = [...first].filter(id => second.has(id));
        demandEqual(both, [], 'The event ids that two processes with the same name have given');
    }
};

export const deployChecks: readonly Check[] = [
    rollingRestart,
    stateOutlivesNodes,
    listeningThroughRestart,
    questionIdsNotReused,
    eventIdsNotReused
];

import { isDeepStrictEqual } from 'node:util';
import { WaitedInVainError } from '../../errors.ts';
import { isResponse, type JsonRpcMessage } from '../../http/jsonRpcMessage.ts';
import type { McpAnswer } from '../../http/mcpAnswer.ts';
import type { Check, CheckContext } from '../check.ts';
import { demand, demandEqual, demandStatus } from '../support/demands.ts';
import { Listener, orphanEndsWithinMs, otherThan, runnerBehind, untilServed } from '../support/faults.ts';
import { nodeAt, othersThan } from '../support/nodes.ts';
import { announce, letPass, resume, startSleep, whoami } from '../support/tools.ts';

const clientInfo = { name: 'of-a-dead-node', version: '1' };

const sessionSurvivesKill: Check = {
    id: 'failure.session-survives-kill',
    timeoutMs: 60_000,
    async run({ deployment, client }) {
        const maker = nodeAt(deployment, 0);
        const session = await client.openSession(maker, { clientInfo, capabilities: { sampling: {} } });
        await maker.kill();
        for (const node of othersThan(deployment, maker.id)) {
            const known = await whoami(client, node, session);
            demandEqual(known.clientInfo?.name, clientInfo.name, `The client's name at ${node.id}`);
            demand(known.clientCapabilities?.sampling !== undefined, `What the client is capable of is unknown at ${node.id}`);
        }
    }
};

const sessionSurvivesAll: Check = {
    id: 'failure.session-survives-all',
    timeoutMs: 90_000,
    async run(context) {
        const { deployment, client } = context;
        const session = await client.openSession(nodeAt(deployment, 0), { clientInfo });
        await Promise.all(deployment.nodes.map(node => node.kill()));
        await Promise.all(deployment.nodes.map(node => node.start()));
        for (const node of deployment.nodes) {
            await untilServed(context, node, session);
            demandEqual((await whoami(client, node, session)).clientInfo?.name, clientInfo.name, `The client's name at ${node.id}`);
        }
    }
};

const restartedNodeServes: Check = {
    id: 'failure.restarted-node-serves',
    timeoutMs: 60_000,
    async run(context) {
        const { deployment, client } = context;
        const maker = nodeAt(deployment, 0);
        const session = await client.openSession(maker, { clientInfo });
        await maker.kill();
        await maker.start();
        await untilServed(context, maker, session);
        demandEqual((await whoami(client, maker, session)).clientInfo?.name, clientInfo.name, `The client's name at ${maker.id}`);
    }
};

/** A request that runs for long, and ends with its node. */
async function killWhileRunning(context: CheckContext) {
    const { deployment, client } = context;
    const session = await client.openSession(nodeAt(deployment, 0));
    const runner = await runnerBehind(context, nodeAt(deployment, 0), session);
    const { id, answer } = await startSleep(client, nodeAt(deployment, 0), session, { ms: 60_000, steps: 600 });
    await runner.kill();
    await answer.close();
    return { session, runner, id, lastEventId: answer.lastEventId };
}

const orphanedRequestEnds: Check = {
    id: 'failure.orphaned-request-ends',
    timeoutMs: 60_000,
    async run(context) {
        const { session, runner, id, lastEventId } = await killWhileRunning(context);
        const resumed = await resume(context.client, otherThan(context, runner), session, lastEventId);
        const { error, result } = await resumed.response(id, orphanEndsWithinMs);
        demand(error !== undefined, `A request whose node was killed has a result: ${JSON.stringify(result)}`);
        await resumed.ended();
    }
};

function responsesIn({ messages }: McpAnswer): readonly JsonRpcMessage[] {
    return messages.filter(isResponse);
}

const orphanAnsweredOnce: Check = {
    id: 'failure.orphan-answered-once',
    timeoutMs: 60_000,
    async run(context) {
        const { deployment, client } = context;
        const { session, runner, id, lastEventId } = await killWhileRunning(context);
        const first = await resume(client, otherThan(context, runner), session, lastEventId);
        const response = await first.response(id, orphanEndsWithinMs);
        await first.ended();
        await runner.start();
        for (const node of deployment.nodes) {
            await untilServed(context, node, session);
            const again = await resume(client, node, session, lastEventId);
            await again.response(id, orphanEndsWithinMs);
            await again.ended();
            demandEqual(responsesIn(again), [response], `The responses that came when the stream was resumed at ${node.id}`);
        }
        demandEqual(responsesIn(first).length, 1, 'The number of responses to a request whose node was killed');
    }
};

const listeningSurvivesKill: Check = {
    id: 'failure.listening-survives-kill',
    timeoutMs: 60_000,
    async run(context) {
        const { deployment, client } = context;
        const session = await client.openSession(nodeAt(deployment, 0));
        const killed = nodeAt(deployment, 0);
        const survivor = otherThan(context, killed);
        const listener = new Listener(context, session);
        await listener.at(killed);
        await announce(client, survivor, session, 'before', 3);
        await announce(client, survivor, session, 'last before');
        await listener.until('last before');
        await killed.kill();
        await listener.connection.ended();
        await announce(client, survivor, session, 'meanwhile', 3);
        await listener.at(survivor);
        await announce(client, otherThan(context, killed, 1), session, 'afterwards');
        await listener.until('afterwards');
        const expected = ['before 0', 'before 1', 'before 2', 'last before 0', 'meanwhile 0', 'meanwhile 1', 'meanwhile 2', 'afterwards 0'];
        demandEqual(listener.heard, expected, 'What the client has heard');
    }
};

const deleteDespiteKill: Check = {
    id: 'failure.delete-despite-kill',
    timeoutMs: 60_000,
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        for (const node of deployment.nodes) {
            await whoami(client, node, session);
        }
        const killed = nodeAt(deployment, 0);
        await killed.kill();
        await demandStatus(await client.delete(nodeAt(deployment, 1), { session }), [200, 202, 204], 'DELETE after a node was killed');
        await killed.start();
        for (const node of deployment.nodes) {
            const { answer } = await client.start(node, session, 'ping');
            await demandStatus(answer, [404], 'a request of a deleted session');
        }
    }
};

const pausedNodeHarmless: Check = {
    id: 'failure.paused-node-harmless',
    timeoutMs: 60_000,
    async run(context) {
        const { deployment, client } = context;
        const session = await client.openSession(nodeAt(deployment, 0), { clientInfo });
        const paused = nodeAt(deployment, 0);
        await whoami(client, paused, session);
        await paused.pause();
        for (const node of othersThan(deployment, paused.id)) {
            demandEqual((await whoami(client, node, session)).clientInfo?.name, clientInfo.name, `The client's name at ${node.id}`);
        }
        await client.request(otherThan(context, paused), session, 'logging/setLevel', { level: 'alert' });
        await paused.resume();
        await untilServed(context, paused, session);
        demandEqual((await whoami(client, paused, session)).logLevel, 'alert', `The log level at ${paused.id}, set while it was frozen,`);
    }
};

const sleepThroughPauseMs = 3_000;

const pausedProducerAnswersOnce: Check = {
    id: 'failure.paused-producer-answers-once',
    timeoutMs: 90_000,
    async run(context) {
        const { deployment, client, note } = context;
        const session = await client.openSession(nodeAt(deployment, 0));
        const paused = await runnerBehind(context, nodeAt(deployment, 0), session);
        const { id, answer } = await startSleep(client, nodeAt(deployment, 0), session, { ms: sleepThroughPauseMs, steps: 30 });
        await paused.pause();
        const { lastEventId } = answer;
        const takenOver = await resume(client, otherThan(context, paused), session, lastEventId);
        try {
            await takenOver.response(id, orphanEndsWithinMs);
        } catch (error) {
            if (!(error instanceof WaitedInVainError)) {
                throw error;
            }
            note('Nobody answers for a node that is frozen; it has to do so itself when it runs again');
        }
        await paused.resume();
        await untilServed(context, paused, session);
        await takenOver.ended(orphanEndsWithinMs);
        // Time in which the node that was frozen would add what it has got.
        await letPass(client, paused, session, 500);
        for (const node of deployment.nodes) {
            const again = await resume(client, node, session, lastEventId);
            await again.response(id, orphanEndsWithinMs);
            await again.ended();
            const responses = responsesIn(again);
            demand(
                responses.length === 1 && isDeepStrictEqual(responses, responsesIn(takenOver)),
                `A request has got different responses: ${JSON.stringify([responsesIn(takenOver), responses])}`
            );
        }
    }
};

const deleteReachesPausedNode: Check = {
    id: 'failure.delete-reaches-paused-node',
    timeoutMs: 60_000,
    async run(context) {
        const { deployment, client } = context;
        const [session, witness] = await Promise.all([0, 0].map(index => client.openSession(nodeAt(deployment, index))));
        if (session === undefined || witness === undefined) {
            return;
        }
        const paused = nodeAt(deployment, 0);
        await whoami(client, paused, session);
        await paused.pause();
        await demandStatus(await client.delete(otherThan(context, paused), { session }), [200, 202, 204], 'DELETE while a node is frozen');
        await paused.resume();
        await untilServed(context, paused, witness);
        const { answer } = await client.start(paused, session, 'ping');
        await demandStatus(answer, [404], 'a request of a session that was deleted while its node was frozen');
    }
};

export const nodeFailureChecks: readonly Check[] = [
    sessionSurvivesKill,
    sessionSurvivesAll,
    restartedNodeServes,
    orphanedRequestEnds,
    orphanAnsweredOnce,
    listeningSurvivesKill,
    deleteDespiteKill,
    pausedNodeHarmless,
    pausedProducerAnswersOnce,
    deleteReachesPausedNode
];

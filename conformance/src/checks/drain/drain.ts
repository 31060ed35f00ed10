import { setTimeout as delay } from 'node:timers/promises';
import type { DeployedNode } from '../../drivers/deployment.ts';
import { healthOf } from '../../drivers/readiness.ts';
import type { Check, CheckContext } from '../check.ts';
import { demandComplete } from '../resumption/support.ts';
import { demand, demandEqual, demandStatus } from '../support/demands.ts';
import { endsWithinMs, followToResponse, Listener, otherThan, runnerBehind, unlessUnreachable, untilServed } from '../support/faults.ts';
import { nodeAt, othersThan } from '../support/nodes.ts';
import { announce, answerOf, ask, askableCapabilities, listen, readAskResult, startSleep, whoami } from '../support/tools.ts';
import { readToolResult } from '../../http/mcpClient.ts';

const timeoutMs = 60_000;
const clientInfo = { name: 'of-a-drained-node', version: '1' };

/** Tells a node to end, and demands that it does so as it should. */
async function stopCleanly(node: DeployedNode): Promise<void> {
    const start = performance.now();
    const { exitCode } = await node.stop();
    const tookMs = Math.round(performance.now() - start);
    demand(tookMs <= endsWithinMs, `${node.id} took ${tookMs} ms to end`);
    demandEqual(exitCode, 0, `The exit code of ${node.id}`);
}

const exitsCleanly: Check = {
    id: 'drain.exits-cleanly',
    timeoutMs,
    async run({ deployment, client }) {
        const node = nodeAt(deployment, 0);
        const session = await client.openSession(node);
        const stream = await listen(client, node, session);
        await stopCleanly(node);
        await stream.ended();
    }
};

const sessionsLiveOn: Check = {
    id: 'drain.sessions-live-on',
    timeoutMs,
    async run({ deployment, client }) {
        const stopped = nodeAt(deployment, 0);
        const session = await client.openSession(stopped, { clientInfo });
        await stopped.stop();
        for (const node of othersThan(deployment, stopped.id)) {
            demandEqual((await whoami(client, node, session)).clientInfo?.name, clientInfo.name, `The client's name at ${node.id}`);
        }
    }
};

/** Starts `sleep`, and tells the node that runs it to end. */
async function stopWhileRunning(context: CheckContext, sleep: { readonly ms: number; readonly steps: number }) {
    const { deployment, client } = context;
    const session = await client.openSession(nodeAt(deployment, 0));
    const runner = await runnerBehind(context, nodeAt(deployment, 0), session);
    const running = await startSleep(client, runner, session, sleep);
    return { session, runner, running, stopping: stopCleanly(runner), steps: sleep.steps };
}

const runningRequestFinishes: Check = {
    id: 'drain.running-request-finishes',
    timeoutMs,
    async run(context) {
        const { session, runner, running, stopping, steps } = await stopWhileRunning(context, { ms: 1_500, steps: 15 });
        const [{ messages }] = await Promise.all([
            followToResponse(context, session, running, otherThan(context, runner), endsWithinMs),
            stopping
        ]);
        demandComplete(messages, { id: running.id, token: running.token, steps });
    }
};

const longRequestEnds: Check = {
    id: 'drain.long-request-ends',
    timeoutMs,
    async run(context) {
        const { session, runner, running, stopping } = await stopWhileRunning(context, { ms: 60_000, steps: 120 });
        const following = followToResponse(context, session, running, otherThan(context, runner), endsWithinMs * 2);
        const [{ response }] = await Promise.all([following, stopping]);
        demand(response.error !== undefined, `A request of a node that has ended has a result: ${JSON.stringify(response.result)}`);
    }
};

const replyStillArrives: Check = {
    id: 'drain.reply-still-arrives',
    timeoutMs,
    async run(context) {
        const { deployment, client } = context;
        const session = await client.openSession(nodeAt(deployment, 0), { capabilities: askableCapabilities });
        const runner = await runnerBehind(context, nodeAt(deployment, 0), session);
        const { call, id } = await ask(client, runner, session);
        const stopping = stopCleanly(runner);
        await untilNotReady(runner, context.signal);
        const elsewhere = otherThan(context, runner);
        await demandStatus(await client.reply(elsewhere, session, id, answerOf('elicitation', 'in time')), [202], 'an answer');
        const { response } = await followToResponse(context, session, call, elsewhere, endsWithinMs);
        demandEqual(
            readAskResult(readToolResult(call.answer, response)).answer,
            answerOf('elicitation', 'in time'),
            'The answer that the tool got'
        );
        await stopping;
    }
};

const retryHint: Check = {
    id: 'drain.retry-hint',
    timeoutMs,
    async run({ deployment, client }) {
        const node = nodeAt(deployment, 0);
        const session = await client.openSession(node);
        const stream = await listen(client, node, session);
        await node.stop();
        await stream.ended();
        demand(stream.retryMs !== undefined, `${stream.describe()} ended without a retry hint`);
    }
};

const listeningGoesOn: Check = {
    id: 'drain.listening-goes-on',
    timeoutMs,
    async run(context) {
        const { deployment, client } = context;
        const stopped = nodeAt(deployment, 0);
        const session = await client.openSession(stopped);
        const survivor = otherThan(context, stopped);
        const listener = new Listener(context, session);
        await listener.at(stopped);
        await announce(client, survivor, session, 'before', 3);
        const stopping = stopped.stop();
        await announce(client, survivor, session, 'meanwhile', 3);
        await listener.connection.ended(endsWithinMs);
        await listener.at(survivor);
        await announce(client, survivor, session, 'afterwards');
        await listener.until('afterwards');
        const expected = ['before', 'meanwhile'].flatMap(text => [0, 1, 2].map(i => `${text} ${i}`));
        demandEqual(listener.heard, [...expected, 'afterwards 0'], 'What the client has heard');
        await stopping;
    }
};

/** How soon after SIGTERM a node must have noticed. */
const noticesWithinMs = 1_000;
const pollMs = 50;

/** Waits until a node says that it is not ready, or is gone; not longer than it may take to notice. */
async function untilNotReady(node: DeployedNode, signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + noticesWithinMs;
    while (performance.now() < deadline && (await healthOf(node.url, noticesWithinMs).catch(() => 503)) === 200) {
        await delay(pollMs, undefined, { signal });
    }
}

/** Looks at a node that ends until it has ended, from the time on when it must have noticed. */
async function whileDraining(context: CheckContext, look: (node: DeployedNode) => Promise<void>): Promise<void> {
    const { runner, stopping } = await stopWhileRunning(context, { ms: 4_000, steps: 40 });
    let ended = false;
    const end = stopping.finally(() => {
        ended = true;
    });
    // Awaited below, unless something else fails first.
    end.catch(() => undefined);
    await delay(noticesWithinMs, undefined, { signal: context.signal });
    while (!ended) {
        await look(runner);
        await delay(pollMs, undefined, { signal: context.signal });
    }
    await end;
}

const newRequestsRefused: Check = {
    id: 'drain.new-requests-refused',
    timeoutMs,
    async run(context) {
        const { client, deployment } = context;
        const session = await client.openSession(nodeAt(deployment, 1));
        await whileDraining(context, async node => {
            // Where nobody answers any more, nothing can be wrong.
            const answer = await unlessUnreachable(() => client.post(node, { jsonrpc: '2.0', id: 'late', method: 'ping' }, { session }));
            if (answer !== undefined) {
                await demandStatus(answer, [503], `a request at ${node.id}, which was told to end,`);
            }
        });
    }
};

const notReady: Check = {
    id: 'drain.not-ready',
    timeoutMs,
    run: context =>
        whileDraining(context, async node => {
            const status = await healthOf(node.url, noticesWithinMs).catch(() => undefined);
            demand(status !== 200, `${node.id} was told to end, and says that it is ready`);
        })
};

const nodeComesBack: Check = {
    id: 'drain.node-comes-back',
    timeoutMs,
    async run(context) {
        const { deployment, client } = context;
        const node = nodeAt(deployment, 0);
        const session = await client.openSession(node, { clientInfo });
        await node.stop();
        await node.start();
        await untilServed(context, node, session);
        demandEqual((await whoami(client, node, session)).clientInfo?.name, clientInfo.name, `The client's name at ${node.id}`);
    }
};

export const drainChecks: readonly Check[] = [
    exitsCleanly,
    sessionsLiveOn,
    runningRequestFinishes,
    longRequestEnds,
    replyStillArrives,
    retryHint,
    listeningGoesOn,
    newRequestsRefused,
    notReady,
    nodeComesBack
];

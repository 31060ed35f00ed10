import { setTimeout as delay } from 'node:timers/promises';
import { isResponse } from '../../http/jsonRpcMessage.ts';
import type { Endpoint, McpClient, McpSession } from '../../http/mcpClient.ts';
import type { Check } from '../check.ts';
import { demand, demandStatus, isRefusalOfThisOnly } from '../support/demands.ts';
import { nodeAt } from '../support/nodes.ts';
import { abortedAnywhere, startSleep, untilAborted, whoami } from '../support/tools.ts';

/** Time that a server has to tell its other nodes, and some more so that the check is not about milliseconds. */
const spreadMs = 3_000 + 1_000;
/** Much longer than any check waits. */
const longSleep = { ms: 60_000, steps: 600 };

async function cancel(client: McpClient, node: Endpoint, session: McpSession, requestId: string | number): Promise<void> {
    await demandStatus(await client.notify(node, session, 'notifications/cancelled', { requestId }), [202], 'a cancellation');
}

const cancelAnywhere: Check = {
    id: 'routing.cancel-anywhere',
    async run({ deployment, client }) {
        for (const [index, node] of deployment.nodes.entries()) {
            const session = await client.openSession(nodeAt(deployment, index + 1));
            const sleeping = await startSleep(client, node, session, longSleep);
            await cancel(client, nodeAt(deployment, index + 1), session, sleeping.id);
            await untilAborted(client, deployment, session, sleeping.id, spreadMs);
        }
    }
};

const cancelEndsStream: Check = {
    id: 'routing.cancel-ends-stream',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        const { answer, id } = await startSleep(client, nodeAt(deployment, 0), session, longSleep);
        await cancel(client, nodeAt(deployment, 1), session, id);
        await answer.ended(spreadMs);
        const result = answer.messages.find(message => isResponse(message) && message.result !== undefined);
        demand(result === undefined, `A request that was cancelled has a result: ${JSON.stringify(result)}`);
    }
};

const repeatMs = 200;

const cancelSettlesJson: Check = {
    id: 'routing.cancel-settles-json',
    settings: { responseMode: 'json' },
    async run({ deployment, client, signal }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        const id = client.newRequestId();
        const message = { jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'sleep', arguments: { ms: longSleep.ms } } };
        const running = client.post(nodeAt(deployment, 0), message, { session, timeoutMs: spreadMs + 2_000 });
        let settled = false;
        const answered = running.finally(() => {
            settled = true;
        });
        // A JSON answer does not tell when its request has begun, and a cancellation that comes before it finds nothing to cancel.
        const cancelling = (async () => {
            while (!settled) {
                await cancel(client, nodeAt(deployment, 1), session, id);
                await delay(repeatMs, undefined, { signal });
            }
        })();
        // Awaited below, unless something else fails first.
        cancelling.catch(() => undefined);
        const answer = await answered;
        await cancelling;
        await answer.ended();
        const result = answer.messages.find(({ result }) => result !== undefined);
        demand(result === undefined, `A request that was cancelled has a result: ${JSON.stringify(result)}`);
    }
};

const cancelOnlyNamed: Check = {
    id: 'routing.cancel-only-named',
    async run({ deployment, client }) {
        const [session, other] = await Promise.all([client.openSession(nodeAt(deployment, 0)), client.openSession(nodeAt(deployment, 0))]);
        const node = nodeAt(deployment, 0);
        const sleeping = await startSleep(client, node, session, { ms: 30_000, steps: 300, id: 'to be cancelled' });
        const [sameSession, sameId] = await Promise.all([
            startSleep(client, node, session, { ms: 1_000, steps: 20, id: 'to be finished' }),
            startSleep(client, node, other, { ms: 1_000, steps: 20, id: 'to be cancelled' })
        ]);
        await cancel(client, nodeAt(deployment, 1), session, sleeping.id);
        await Promise.all([client.toolResult(sameSession), client.toolResult(sameId)]);
        const aborted = await abortedAnywhere(client, deployment, session);
        demand(!aborted.includes(sameSession.id), 'A request was aborted when another one of its session was cancelled');
        const abortedElsewhere = await abortedAnywhere(client, deployment, other);
        demand(abortedElsewhere.length === 0, 'A request was aborted when one of another session with the same id was cancelled');
    }
};

const cancelUnknownHarmless: Check = {
    id: 'routing.cancel-unknown-harmless',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        for (const node of deployment.nodes) {
            for (const params of [{ requestId: 'never-sent' }, { requestId: 4_711, reason: 'none' }, {}]) {
                const answer = await client.notify(node, session, 'notifications/cancelled', params);
                const allowed = (status: number) => status === 202 || isRefusalOfThisOnly(status);
                await demandStatus(answer, allowed, `a cancellation of ${JSON.stringify(params)}`);
            }
            await whoami(client, node, session);
        }
    }
};

export const cancellationChecks: readonly Check[] = [
    cancelAnywhere,
    cancelEndsStream,
    cancelSettlesJson,
    cancelOnlyNamed,
    cancelUnknownHarmless
];

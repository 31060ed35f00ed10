import type { DeployedNode } from '../../drivers/deployment.ts';
import { healthOf } from '../../drivers/readiness.ts';
import { until } from '../../http/until.ts';
import { RequirementNotMetError, describeError } from '../../errors.ts';
import type { McpAnswer } from '../../http/mcpAnswer.ts';
import type { McpSession } from '../../http/mcpClient.ts';
import type { Check, CheckContext } from '../check.ts';
import { demand, demandEqual, demandStatus } from '../support/demands.ts';
import { Listener, otherThan, refusedWithinMs, untilRefused, untilServed } from '../support/faults.ts';
import { nodeAt, othersThan } from '../support/nodes.ts';
import { announce, whoami } from '../support/tools.ts';

const clientInfo = { name: 'before-the-fault', version: '1.2.3' };

/** A session that every node has served. */
async function warmSession({ client, deployment }: CheckContext): Promise<McpSession> {
    const session = await client.openSession(nodeAt(deployment, 0), { clientInfo });
    for (const node of deployment.nodes) {
        await whoami(client, node, session);
    }
    return session;
}

type Asked = readonly [situation: string, answer: McpAnswer];

/** Asks a node for everything that needs a session, and for a new session, side by side. */
function askForEverything({ client }: CheckContext, node: DeployedNode, session: McpSession): Promise<Asked[]> {
    const options = { session, timeoutMs: refusedWithinMs };
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
    const asked: [string, Promise<McpAnswer>][] = [
        ['a request', client.post(node, { jsonrpc: '2.0', id: 'any', method: 'tools/list' }, options)],
        ['a notification', client.post(node, { jsonrpc: '2.0', method: 'notifications/roots/list_changed' }, options)],
        ['GET', client.get(node, options)],
        ['initialize', client.post(node, { jsonrpc: '2.0', id: 'new', method: 'initialize', params }, { timeoutMs: refusedWithinMs })]
    ];
    return Promise.all(asked.map(async ([situation, answer]) => [situation, await answer] as const));
}

async function demandAllRefused(context: CheckContext, node: DeployedNode, session: McpSession): Promise<void> {
    for (const [situation, answer] of await askForEverything(context, node, session)) {
        await demandStatus(answer, [503], `${situation} at a node without its store`);
    }
    // Not beside the others: if it were carried out, they would rightly be answered with 404.
    const deletion = await context.client.delete(node, { session, timeoutMs: refusedWithinMs });
    await demandStatus(deletion, [503], 'DELETE at a node without its store');
}

const storeDownRefused: Check = {
    id: 'failure.store-down-refused',
    timeoutMs: 60_000,
    async run(context) {
        const session = await warmSession(context);
        await context.deployment.stopStore();
        await Promise.all(context.deployment.nodes.map(node => demandAllRefused(context, node, session)));
    }
};

/** Stops the store and asks each node for something. */
async function refusals(context: CheckContext): Promise<readonly McpAnswer[]> {
    const { client, deployment } = context;
    const session = await warmSession(context);
    await deployment.stopStore();
    const answers = await Promise.all(
        deployment.nodes.map(node =>
            client.post(node, { jsonrpc: '2.0', id: 'any', method: 'ping' }, { session, timeoutMs: refusedWithinMs })
        )
    );
    await Promise.all(answers.map(answer => (answer.isEventStream ? answer.close() : answer.ended())));
    return answers;
}

const storeDownRetryAfter: Check = {
    id: 'failure.store-down-retry-after',
    timeoutMs: 40_000,
    async run(context) {
        for (const answer of await refusals(context)) {
            const retryAfter = answer.header('retry-after');
            demand(
                retryAfter !== undefined && (/^\d+$/.test(retryAfter) || !Number.isNaN(Date.parse(retryAfter))),
                `${answer.describe()} says Retry-After: ${retryAfter ?? '(nothing)'}`
            );
        }
    }
};

const storeDownErrorBody: Check = {
    id: 'failure.store-down-error-body',
    timeoutMs: 40_000,
    async run(context) {
        for (const answer of await refusals(context)) {
            const [message] = answer.messages;
            demand(
                message?.error !== undefined,
                `${answer.describe()} holds no JSON-RPC error, but ${(await answer.text()).slice(0, 200)}`
            );
        }
    }
};

const storeDownNotReady: Check = {
    id: 'failure.store-down-not-ready',
    timeoutMs: 40_000,
    async run({ deployment }) {
        await deployment.stopStore();
        await Promise.all(
            deployment.nodes.map(async node => {
                try {
                    await until('503 at /healthz', refusedWithinMs * 2, async () => {
                        const status = await healthOf(node.url, refusedWithinMs);
                        return status === 503 ? undefined : `${node.id} answers ${status}`;
                    });
                } catch (error) {
                    throw new RequirementNotMetError(describeError(error), { cause: error });
                }
            })
        );
    }
};

const storeBack: Check = {
    id: 'failure.store-back',
    timeoutMs: 90_000,
    async run(context) {
        const { client, deployment } = context;
        const session = await warmSession(context);
        await deployment.stopStore();
        await Promise.all(deployment.nodes.map(node => untilRefused(context, node, session)));
        await deployment.startStore();
        for (const node of deployment.nodes) {
            await untilServed(context, node, session);
            demandEqual((await whoami(client, node, session)).clientInfo?.name, clientInfo.name, `The client's name at ${node.id}`);
        }
    }
};

const listeningSurvivesOutage: Check = {
    id: 'failure.listening-survives-outage',
    timeoutMs: 90_000,
    async run(context) {
        const { client, deployment } = context;
        const session = await warmSession(context);
        const listener = new Listener(context, session);
        await listener.at(nodeAt(deployment, 0));
        await announce(client, nodeAt(deployment, 1), session, 'before');
        await listener.until('before');
        await deployment.stopStore();
        await Promise.all(deployment.nodes.map(node => untilRefused(context, node, session)));
        await deployment.startStore();
        for (const node of deployment.nodes) {
            await untilServed(context, node, session);
        }
        await announce(client, nodeAt(deployment, 1), session, 'after');
        if (listener.connection.end !== undefined) {
            await listener.at(nodeAt(deployment, 0));
        }
        await listener.until('after');
        demandEqual(listener.heard, ['before 0', 'after 0'], 'What the client has heard');
    }
};

const cutNodeRefuses: Check = {
    id: 'failure.cut-node-refuses',
    timeoutMs: 60_000,
    async run(context) {
        const { client, deployment } = context;
        const session = await warmSession(context);
        const cut = nodeAt(deployment, 0);
        await cut.cutStore();
        await demandAllRefused(context, cut, session);
        for (const node of othersThan(deployment, cut.id)) {
            await whoami(client, node, session);
        }
    }
};

const cutNodeCatchesUp: Check = {
    id: 'failure.cut-node-catches-up',
    timeoutMs: 60_000,
    async run(context) {
        const { client, deployment } = context;
        const session = await warmSession(context);
        const cut = nodeAt(deployment, 0);
        await cut.cutStore();
        await client.request(otherThan(context, cut), session, 'logging/setLevel', { level: 'critical' });
        await untilRefused(context, cut, session);
        await cut.joinStore();
        await untilServed(context, cut, session);
        demandEqual((await whoami(client, cut, session)).logLevel, 'critical', `The log level at ${cut.id}, set while it was cut off,`);
    }
};

const deleteReachesCutNode: Check = {
    id: 'failure.delete-reaches-cut-node',
    timeoutMs: 60_000,
    async run(context) {
        const { client, deployment } = context;
        const [session, witness] = [await warmSession(context), await warmSession(context)];
        const cut = nodeAt(deployment, 0);
        await cut.cutStore();
        await demandStatus(await client.delete(otherThan(context, cut), { session }), [200, 202, 204], 'DELETE while a node is cut off');
        await untilRefused(context, cut, session);
        await cut.joinStore();
        await untilServed(context, cut, witness);
        const { answer } = await client.start(cut, session, 'ping');
        await demandStatus(answer, [404], 'a request of a session that was deleted while its node was cut off');
    }
};

export const storeFailureChecks: readonly Check[] = [
    storeDownRefused,
    storeDownRetryAfter,
    storeDownErrorBody,
    storeDownNotReady,
    storeBack,
    listeningSurvivesOutage,
    cutNodeRefuses,
    cutNodeCatchesUp,
    deleteReachesCutNode
];

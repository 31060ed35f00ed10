/** Time itself is the subject here, so these checks, unlike all others, wait for it to pass. */
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeSettings } from '../../drivers/deployment.ts';
import type { Check } from '../check.ts';
import { demandStatus } from '../support/demands.ts';
import { nodeAt } from '../support/nodes.ts';
import { listen, whoami } from '../support/tools.ts';

const sessionTtlMs = 3_000;
/** The contract allows servers to be wrong by a second; some more is left for a busy machine. */
const certainlyExpiredMs = sessionTtlMs + 1_000 + 1_000;
/** Far enough from the second that servers may be early. */
const oftenEnoughMs = 800;
const settings: NodeSettings = { sessionTtlMs };

const expiresEverywhere: Check = {
    id: 'session.expires-everywhere',
    settings,
    async run({ deployment, client, signal }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        for (const node of deployment.nodes) {
            await whoami(client, node, session);
        }
        await delay(certainlyExpiredMs, undefined, { signal });
        for (const node of deployment.nodes) {
            const { answer } = await client.start(node, session, 'ping');
            await demandStatus(answer, [404], `a request of a session that was not used for ${certainlyExpiredMs} ms, of ${sessionTtlMs},`);
        }
        await demandStatus(await client.get(nodeAt(deployment, 1), { session }), [404], 'GET of an expired session');
    }
};

const renewedByRequests: Check = {
    id: 'session.renewed-by-requests',
    settings,
    async run({ deployment, client, signal }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        for (let passed = 0, turn = 1; passed < certainlyExpiredMs; passed += oftenEnoughMs, turn++) {
            await delay(oftenEnoughMs, undefined, { signal });
            const { answer } = await client.start(nodeAt(deployment, turn), session, 'ping');
            await demandStatus(answer, [200], `a request ${oftenEnoughMs} ms after the one before`);
        }
    }
};

const renewedByNotifications: Check = {
    id: 'session.renewed-by-notifications',
    settings,
    async run({ deployment, client, signal }) {
        const session = await client.openSession(nodeAt(deployment, 0), { capabilities: { roots: { listChanged: true } } });
        for (let passed = 0, turn = 1; passed < certainlyExpiredMs; passed += oftenEnoughMs, turn++) {
            await delay(oftenEnoughMs, undefined, { signal });
            const answer = await client.notify(nodeAt(deployment, turn), session, 'notifications/roots/list_changed');
            await demandStatus(answer, [202], `a notification ${oftenEnoughMs} ms after the one before`);
        }
        await whoami(client, nodeAt(deployment, 2), session);
    }
};

const renewedByOpenStream: Check = {
    id: 'session.renewed-by-open-stream',
    settings,
    async run({ deployment, client, signal }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        await listen(client, nodeAt(deployment, 1), session);
        await delay(certainlyExpiredMs, undefined, { signal });
        const { answer } = await client.start(nodeAt(deployment, 2), session, 'ping');
        await demandStatus(answer, [200], 'a request of a session that has a stream open');
    }
};

const renewedByRunningRequest: Check = {
    id: 'session.renewed-by-running-request',
    settings,
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        const running = await client.startTool(nodeAt(deployment, 0), session, 'sleep', { ms: certainlyExpiredMs });
        await client.toolResult(running, certainlyExpiredMs * 2);
        await whoami(client, nodeAt(deployment, 1), session);
    }
};

export const lifetimeChecks: readonly Check[] = [
    expiresEverywhere,
    renewedByRequests,
    renewedByNotifications,
    renewedByOpenStream,
    renewedByRunningRequest
];

import { ConnectionFailedError } from '../../errors.ts';
import type { McpAnswer } from '../../http/mcpAnswer.ts';
import type { Check } from '../check.ts';
import { demand, demandStatus, isRefusal } from '../support/demands.ts';
import { nodeAt } from '../support/nodes.ts';
import { whoami } from '../support/tools.ts';

const depth = 5_000;

const deepJson: Check = {
    id: 'limits.deep-json',
    harmful: true,
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        const nested = '['.repeat(depth) + ']'.repeat(depth);
        for (const node of deployment.nodes) {
            const params = `{"name":"whoami","arguments":{},"_meta":{"nested":${nested}}}`;
            const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`;
            await demandStatus(await client.postText(node, body, { session }), status => status < 500, `a body of ${depth} levels`);
            await whoami(client, node, session);
        }
    }
};

const largeBodyBytes = 32 * 1024 * 1024;

const largeBodyRefused: Check = {
    id: 'limits.large-body-refused',
    harmful: true,
    async run({ deployment, client }) {
        const node = nodeAt(deployment, 1);
        const session = await client.openSession(nodeAt(deployment, 0));
        const padding = 'x'.repeat(largeBodyBytes);
        const params = { name: 'announce', arguments: { text: padding, count: 0 } };
        const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
        let answer: McpAnswer | undefined;
        try {
            answer = await client.postText(node, body, { session });
        } catch (error) {
            // A server that does not read on may end the connection before the client has come to the answer.
            if (!(error instanceof ConnectionFailedError)) {
                throw error;
            }
        }
        if (answer !== undefined) {
            await demandStatus(answer, isRefusal, `a body of ${largeBodyBytes} bytes`);
        }
        await whoami(client, node, session);
    }
};

const batchLength = 5_000;

const largeBatch: Check = {
    id: 'limits.large-batch',
    harmful: true,
    async run({ deployment, client }) {
        const node = nodeAt(deployment, 1);
        const session = await client.openSession(nodeAt(deployment, 0), { protocolVersion: '2025-03-26' });
        const batch = Array.from({ length: batchLength }, (_, index) => ({ jsonrpc: '2.0', id: `batch-${index}`, method: 'ping' }));
        const answer = await client.post(node, batch, { session });
        await answer.ended();
        if (!isRefusal(answer.status)) {
            const ids = new Set(answer.messages.filter(({ result }) => result !== undefined).map(({ id }) => id));
            const { length } = answer.messages;
            const isComplete = ids.size === batchLength && length === batchLength;
            demand(isComplete, `${answer.describe()} holds ${length} messages to ${ids.size} requests of ${batchLength}`);
        }
        await whoami(client, node, session);
    }
};

const longEventIdRefused: Check = {
    id: 'limits.long-event-id-refused',
    harmful: true,
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        for (const node of deployment.nodes) {
            const answer = await client.get(node, { session, lastEventId: 'a'.repeat(8_000) });
            await demandStatus(answer, isRefusal, 'a Last-Event-ID of 8,000 characters');
            await whoami(client, node, session);
        }
    }
};

const unexpectedMethodRefused: Check = {
    id: 'limits.unexpected-method-refused',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        for (const node of deployment.nodes) {
            for (const method of ['PUT', 'PATCH', 'TRACE'] as const) {
                await demandStatus(await client.try(node, method, { session }), isRefusal, method);
            }
            await whoami(client, node, session);
        }
    }
};

export const limitChecks: readonly Check[] = [deepJson, largeBodyRefused, largeBatch, longEventIdRefused, unexpectedMethodRefused];

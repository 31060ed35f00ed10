import { randomUUID } from 'node:crypto';
import type { Deployment } from '../../drivers/deployment.ts';
import type { McpAnswer } from '../../http/mcpAnswer.ts';
import type { Endpoint, McpClient, McpSession } from '../../http/mcpClient.ts';
import type { Check } from '../check.ts';
import { demand, demandStatus, isRefusal } from '../support/demands.ts';
import { nodeAt } from '../support/nodes.ts';

const visibleAscii = /^[\x21-\x7E]+$/;

const idIssued: Check = {
    id: 'session.id-issued',
    async run({ deployment, client }) {
        for (const node of deployment.nodes) {
            const { id } = await client.initialize(node);
            demand(visibleAscii.test(id), `${node.id} gave a session id with characters that are not visible ASCII: ${JSON.stringify(id)}`);
        }
    }
};

const sampleSize = 48;
const wantedBits = 64;

const idsUnguessable: Check = {
    id: 'session.ids-unguessable',
    async run({ deployment, client, note }) {
        const ids: string[] = [];
        for (let i = 0; i < sampleSize; i++) {
            ids.push((await client.initialize(nodeAt(deployment, i))).id);
        }
        demand(new Set(ids).size === ids.length, `Of ${ids.length} session ids, some are the same: ${ids.toSorted().join(', ')}`);
        const bits = variableBits(ids);
        note(`${bits.toFixed(0)} bits differ among ${ids.length} session ids`);
        demand(
            bits >= wantedBits,
            `Session ids differ in ${bits.toFixed(0)} bits only, as far as can be seen: ${ids.slice(0, 5).join(', ')}`
        );
    }
};

/** How much ids differ, place by place. Counters, times and names of nodes differ in few places; random ids in nearly all. */
function variableBits(ids: readonly string[]): number {
    const length = Math.min(...ids.map(id => id.length));
    return Array.from({ length }, (_, place) => Math.log2(new Set(ids.map(id => id[place])).size)).reduce((sum, bits) => sum + bits, 0);
}

/** A request of each kind that a session can get. */
async function everyRequest(
    client: McpClient,
    node: Endpoint,
    session: McpSession | undefined
): Promise<readonly (readonly [string, McpAnswer])[]> {
    const options = { session };
    return [
        ['a request', await client.post(node, { jsonrpc: '2.0', id: 'any', method: 'tools/list' }, options)],
        ['a notification', await client.post(node, { jsonrpc: '2.0', method: 'notifications/roots/list_changed' }, options)],
        ['a response', await client.post(node, { jsonrpc: '2.0', id: 'any', result: {} }, options)],
        ['GET', await client.get(node, options)],
        ['DELETE', await client.delete(node, options)]
    ];
}

async function demandForAll(
    { nodes }: Deployment,
    client: McpClient,
    session: McpSession | undefined,
    allowed: readonly number[] | ((status: number) => boolean),
    situation: string
): Promise<void> {
    for (const node of nodes) {
        for (const [kind, answer] of await everyRequest(client, node, session)) {
            await demandStatus(answer, allowed, `${kind} ${situation}`);
        }
    }
}

const missingIdRefused: Check = {
    id: 'session.missing-id-refused',
    run: ({ deployment, client }) => demandForAll(deployment, client, undefined, [400], 'without a session id')
};

const unknownIdRefused: Check = {
    id: 'session.unknown-id-refused',
    run: ({ deployment, client }) => demandForAll(deployment, client, { id: randomUUID() }, [404], 'with an unknown session id')
};

const malformedIdRefused: Check = {
    id: 'session.malformed-id-refused',
    async run({ deployment, client }) {
        await demandForAll(deployment, client, { id: 'a'.repeat(300) }, isRefusal, 'with a session id of 300 characters');
        await demandForAll(deployment, client, { id: 'a b' }, isRefusal, 'with a blank in its session id');
    }
};

export const idChecks: readonly Check[] = [idIssued, idsUnguessable, missingIdRefused, unknownIdRefused, malformedIdRefused];

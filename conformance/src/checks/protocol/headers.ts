import type { Check } from '../check.ts';
import { demand, demandEqual, demandStatus } from '../support/demands.ts';
import { nodeAt } from '../support/nodes.ts';
import { whoami } from '../support/tools.ts';

const knownVersions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];

const versionNegotiated: Check = {
    id: 'protocol.version-negotiated',
    async run({ deployment, client }) {
        for (const asked of ['2025-03-26', '2025-06-18', '2025-11-25', '1999-01-01']) {
            const negotiated = new Set<string>();
            for (const node of deployment.nodes) {
                const { protocolVersion } = await client.initialize(node, { protocolVersion: asked });
                demand(protocolVersion !== '1999-01-01', `${node.id} agrees to a version that does not exist`);
                negotiated.add(protocolVersion);
            }
            demand(negotiated.size === 1, `For ${asked}, nodes have negotiated different versions: ${[...negotiated].join(', ')}`);
            const [version = ''] = negotiated;
            // What it names has to be something that it then agrees to.
            const { protocolVersion: again } = await client.initialize(nodeAt(deployment, 1), { protocolVersion: version });
            demandEqual(again, version, `The version that is negotiated when ${version} is asked for, which the server has named itself,`);
            demand(knownVersions.includes(version) || version > '2025-11-25', `The server names a version that does not exist: ${version}`);
        }
    }
};

const unsupportedVersionRefused: Check = {
    id: 'protocol.unsupported-version-refused',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        for (const node of deployment.nodes) {
            for (const protocolVersion of ['1999-01-01', 'nonsense']) {
                const wrong = { ...session, protocolVersion };
                const situation = `with MCP-Protocol-Version ${protocolVersion}`;
                await demandStatus((await client.start(node, wrong, 'tools/list')).answer, [400], `a request ${situation}`);
                await demandStatus(await client.get(node, { session: wrong }), [400], `GET ${situation}`);
                await demandStatus(await client.delete(node, { session: wrong }), [400], `DELETE ${situation}`);
            }
            await whoami(client, node, session);
        }
    }
};

const versionHeaderOptional: Check = {
    id: 'protocol.version-header-optional',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        for (const node of deployment.nodes) {
            const known = await whoami(client, node, { id: session.id });
            demandEqual(known.sessionId, session.id, `The session id that a tool sees at ${node.id}`);
        }
    }
};

const getIsStream: Check = {
    id: 'protocol.get-is-stream',
    async run({ deployment, client }) {
        for (const node of deployment.nodes) {
            const session = await client.openSession(nodeAt(deployment, 0));
            const answer = await client.get(node, { session });
            demand(answer.status === 200 && answer.isEventStream, `${answer.describe()} should have been 200 with an event stream`);
        }
    }
};

const streamPrimed: Check = {
    id: 'protocol.stream-primed',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        demandEqual(session.protocolVersion, '2025-11-25', 'The negotiated version, as earlier ones have no such event,');
        for (const node of deployment.nodes) {
            const { answer } = await client.startTool(node, session, 'sleep', { ms: 50 });
            const first = await answer.next();
            const primed = first !== undefined && first.message === undefined && first.eventId !== undefined;
            demand(
                primed,
                `${answer.describe()} should begin with an event that has an id and no data, but begins with ${JSON.stringify(first)}`
            );
        }
    }
};

export const headerChecks: readonly Check[] = [
    versionNegotiated,
    unsupportedVersionRefused,
    versionHeaderOptional,
    getIsStream,
    streamPrimed
];

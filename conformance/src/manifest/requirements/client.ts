import type { Requirement } from '../requirement.ts';
import { requirement, rule, spec } from './sources.ts';

/** Each is about clients that know nothing of nodes: what stands before these sends every request to the next one. */
function clientRequirement(data: Pick<Requirement, 'id' | 'title' | 'source'> & Partial<Pick<Requirement, 'needs'>>): Requirement {
    return requirement({ ...data, nodes: 2 });
}

export const client: readonly Requirement[] = [
    clientRequirement({
        id: 'client.sdk-calls',
        title: "Through a round-robin proxy, the SDK's clients make a session, call tools in it at every node, and end it everywhere.",
        source: rule('R1')
    }),
    clientRequirement({
        id: 'client.sdk-asked',
        title: "Through a round-robin proxy, the SDK's clients are asked for input, completions and roots, and their answers arrive.",
        source: rule('R11'),
        needs: ['sse', 'server-requests']
    }),
    clientRequirement({
        id: 'client.sdk-progress',
        title: "Through a round-robin proxy, the SDK's clients are told of all progress of a call, in order and before its result.",
        source: spec('basic/utilities/progress'),
        needs: ['sse']
    }),
    clientRequirement({
        id: 'client.sdk-notified',
        title: "Through a round-robin proxy, the SDK's clients are told once what any node logs, from the level on that they have set.",
        source: rule('R13'),
        needs: ['standalone-stream', 'logging']
    }),
    clientRequirement({
        id: 'client.sdk-cancelled',
        title: "Through a round-robin proxy, the SDK's clients cancel calls wherever these run.",
        source: rule('R12'),
        needs: ['sse']
    }),
    clientRequirement({
        id: 'client.sdk-reconnects',
        title: "Through a round-robin proxy, the SDK's clients go on by themselves after broken connections, and lose and repeat nothing.",
        source: rule('R14'),
        needs: ['sse', 'resumable']
    }),
    clientRequirement({
        id: 'client.sdk-resumes',
        title: 'Through a round-robin proxy, a client of the SDK gets the result of a call that another one of the same session has begun.',
        source: rule('R14'),
        needs: ['sse', 'resumable']
    }),
    clientRequirement({
        id: 'client.inspector',
        title: 'What the command line of the MCP Inspector is answered at one node, it is answered through a round-robin proxy.',
        source: rule('R1')
    }),
    clientRequirement({
        id: 'client.official-scenarios',
        title: 'Every scenario of the official conformance suite that goes well at one node does so through a round-robin proxy.',
        source: rule('R1')
    })
];

import type { Fault, Requirement } from '../requirement.ts';
import { requirement, rule } from './sources.ts';

function workloadRequirement(name: string, when: string, fault: Fault | undefined, source: Requirement['source']): Requirement {
    return requirement({
        id: `workload.${name}`,
        title: `Whatever many clients do at random ${when}: each request has one answer or a clear error, and nothing is lost, doubled, mixed up or revived.`,
        source,
        needs: ['sse', 'resumable', 'standalone-stream', 'logging', 'server-requests'],
        faults: fault === undefined ? [] : [fault],
        nodes: fault === undefined ? 1 : 2
    });
}

export const workload: readonly Requirement[] = [
    workloadRequirement('undisturbed', 'on nodes that are well', undefined, rule('R13')),
    workloadRequirement('kills', 'while nodes are killed', 'kill-node', rule('R15')),
    workloadRequirement('pauses', 'while nodes are frozen', 'pause-node', rule('R15')),
    workloadRequirement('cuts', 'while nodes are cut off from the store', 'cut-store', rule('R3')),
    workloadRequirement('outages', 'while the store is away', 'stop-store', rule('R3')),
    workloadRequirement('restarts', 'while nodes are drained and started again', 'stop-node', rule('R16'))
];

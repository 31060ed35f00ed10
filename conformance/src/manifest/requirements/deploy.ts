import type { Requirement } from '../requirement.ts';
import { requirement, rule } from './sources.ts';

/**
 * What can be seen from outside when the nodes are replaced one by one. That a node refuses what a newer release has stored (rule R17)
 * can't be brought about from outside without knowing how a server stores it; servers have to test that themselves.
 */
export const deploy: readonly Requirement[] = [
    requirement({
        id: 'deploy.rolling-restart',
        title: 'While nodes are replaced one by one, every request at a node that is not being replaced succeeds.',
        source: rule('R17'),
        faults: ['stop-node'],
        nodes: 2
    }),
    requirement({
        id: 'deploy.state-outlives-nodes',
        title: 'A session whose nodes were all replaced one by one still has all that belongs to it.',
        source: rule('R17'),
        needs: ['logging'],
        faults: ['stop-node'],
        nodes: 2
    }),
    requirement({
        id: 'deploy.listening-through-restart',
        title: 'A client that listens, and goes on elsewhere whenever its stream ends, misses nothing and hears nothing twice.',
        source: rule('R16'),
        needs: ['resumable', 'standalone-stream', 'logging'],
        faults: ['stop-node'],
        nodes: 2
    }),
    requirement({
        id: 'deploy.question-ids-not-reused',
        title: 'A process that takes the name of one that was killed gives none of the ids to its questions that the other gave.',
        source: rule('R11'),
        needs: ['server-requests', 'sse'],
        faults: ['kill-node'],
        nodes: 2
    }),
    requirement({
        id: 'deploy.event-ids-not-reused',
        title: 'A process that takes the name of one that was killed gives none of the event ids that the other gave within a session.',
        source: rule('R14'),
        needs: ['resumable', 'sse'],
        faults: ['kill-node'],
        nodes: 2
    })
];

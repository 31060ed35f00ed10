import type { Requirement } from '../requirement.ts';
import { requirement, rule } from './sources.ts';

const resumable = ['resumable', 'sse'] as const;
const standalone = ['resumable', 'standalone-stream', 'logging'] as const;

export const failure: readonly Requirement[] = [
    requirement({
        id: 'failure.store-down-refused',
        title: 'While the store is away, everything is answered with 503 within 5 seconds, on every node and for sessions in its memory too.',
        source: rule('R3'),
        faults: ['stop-store']
    }),
    requirement({
        id: 'failure.store-down-retry-after',
        title: 'The answer to a request that comes while the store is away has a Retry-After.',
        source: rule('R3'),
        faults: ['stop-store']
    }),
    requirement({
        id: 'failure.store-down-error-body',
        title: 'The answer to a request that comes while the store is away is a JSON-RPC error.',
        source: rule('R3'),
        faults: ['stop-store']
    }),
    requirement({
        id: 'failure.store-down-not-ready',
        title: 'A node that has no store says that it is not ready.',
        source: rule('R3'),
        faults: ['stop-store']
    }),
    requirement({
        id: 'failure.store-back',
        title: 'When the store is back with its data, every node serves the sessions that it served before, with all that belongs to them.',
        source: rule('R3'),
        faults: ['stop-store']
    }),
    requirement({
        id: 'failure.listening-survives-outage',
        title: 'A client that listens gets what is sent after the store was away, on its stream or when it resumes it.',
        source: rule('R3'),
        needs: standalone,
        faults: ['stop-store']
    }),
    requirement({
        id: 'failure.cut-node-refuses',
        title: 'A node that is cut off from the store answers 503 within 5 seconds, and the others go on.',
        source: rule('R3'),
        faults: ['cut-store'],
        nodes: 2
    }),
    requirement({
        id: 'failure.cut-node-catches-up',
        title: 'A node that was cut off knows afterwards what became of its sessions meanwhile.',
        source: rule('R4'),
        needs: ['logging'],
        faults: ['cut-store'],
        nodes: 2
    }),
    requirement({
        id: 'failure.delete-reaches-cut-node',
        title: 'A session that is deleted while a node is cut off is unknown there too as soon as the node answers again.',
        source: rule('R8'),
        faults: ['cut-store'],
        nodes: 2
    }),
    requirement({
        id: 'failure.session-survives-kill',
        title: 'A session whose node was killed is good on all others, with all that belongs to it.',
        source: rule('R15'),
        faults: ['kill-node'],
        nodes: 2
    }),
    requirement({
        id: 'failure.session-survives-all',
        title: 'A session lives on when all nodes were killed and started again.',
        source: rule('R15'),
        faults: ['kill-node'],
        nodes: 2
    }),
    requirement({
        id: 'failure.restarted-node-serves',
        title: 'A node that was killed and started again serves sessions that it made before.',
        source: rule('R15'),
        faults: ['kill-node'],
        nodes: 2
    }),
    requirement({
        id: 'failure.orphaned-request-ends',
        title: 'The stream of a request whose node was killed ends, when it is resumed elsewhere, with a JSON-RPC error within 15 seconds.',
        source: rule('R15'),
        needs: resumable,
        faults: ['kill-node'],
        nodes: 2
    }),
    requirement({
        id: 'failure.orphan-answered-once',
        title: 'Whoever resumes the stream of a request whose node was killed, wherever and how often, gets the same single response.',
        source: rule('R15'),
        needs: resumable,
        faults: ['kill-node'],
        nodes: 2
    }),
    requirement({
        id: 'failure.listening-survives-kill',
        title: 'A standalone stream whose node was killed goes on elsewhere, with all that was sent meanwhile, once and in order.',
        source: rule('R15'),
        needs: standalone,
        faults: ['kill-node'],
        nodes: 2
    }),
    requirement({
        id: 'failure.delete-despite-kill',
        title: 'A session that a killed node has served can be deleted, and the node does not know it when it is back.',
        source: rule('R8'),
        faults: ['kill-node'],
        nodes: 2
    }),
    requirement({
        id: 'failure.paused-node-harmless',
        title: 'A node that is frozen keeps no other from serving its sessions, and goes on with them when it runs again.',
        source: rule('R15'),
        faults: ['pause-node'],
        nodes: 2
    }),
    requirement({
        id: 'failure.paused-producer-answers-once',
        title: 'A request on a node that is frozen for long has one response, whoever takes over for the node.',
        source: rule('R15'),
        needs: resumable,
        faults: ['pause-node'],
        nodes: 2
    }),
    requirement({
        id: 'failure.delete-reaches-paused-node',
        title: 'A session that is deleted while a node is frozen is unknown there too when it runs again.',
        source: rule('R8'),
        faults: ['pause-node'],
        nodes: 2
    })
];

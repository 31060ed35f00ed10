import type { Requirement } from '../requirement.ts';
import { requirement, rule } from './sources.ts';

const common = { source: rule('R16'), faults: ['stop-node'], nodes: 2 } as const;
const resumable = ['resumable', 'sse'] as const;
const standalone = ['resumable', 'standalone-stream', 'logging'] as const;

export const drain: readonly Requirement[] = [
    requirement({
        ...common,
        id: 'drain.exits-cleanly',
        title: 'A node that is told to end does so within 15 seconds and with exit code 0, although clients listen.',
        needs: ['standalone-stream']
    }),
    requirement({
        ...common,
        id: 'drain.sessions-live-on',
        title: 'Sessions of a node that has ended are good on the others, with all that belongs to them.'
    }),
    requirement({
        ...common,
        id: 'drain.running-request-finishes',
        title: 'A request that runs when its node is told to end, and takes moments, has its result, on its stream or on resumption elsewhere.',
        needs: resumable
    }),
    requirement({
        ...common,
        id: 'drain.long-request-ends',
        title: 'A request that takes longer than a node has to end is answered with an error, and the node ends in time.',
        needs: resumable
    }),
    requirement({
        ...common,
        id: 'drain.reply-still-arrives',
        title: "The client's answer reaches a tool that waits for it on a node that was told to end.",
        needs: [...resumable, 'server-requests']
    }),
    requirement({
        ...common,
        id: 'drain.retry-hint',
        title: 'A stream that a node ends since it was told to end has a retry hint.',
        needs: ['standalone-stream', 'resumable']
    }),
    requirement({
        ...common,
        id: 'drain.listening-goes-on',
        title: 'A standalone stream that a node ends since it was told to end goes on elsewhere, without gap or repetition.',
        needs: standalone
    }),
    requirement({
        ...common,
        id: 'drain.new-requests-refused',
        title: 'A node that was told to end, and still has something to finish, answers new requests with 503.',
        needs: ['sse']
    }),
    requirement({
        ...common,
        id: 'drain.not-ready',
        title: 'A node that was told to end says that it is not ready.',
        needs: ['sse']
    }),
    requirement({
        ...common,
        id: 'drain.node-comes-back',
        title: 'A node that has ended and was started again serves the sessions that it has made.'
    })
];

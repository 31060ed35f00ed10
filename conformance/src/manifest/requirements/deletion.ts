import type { Requirement } from '../requirement.ts';
import { requirement, rule, spec } from './sources.ts';

export const deletion: readonly Requirement[] = [
    requirement({
        id: 'deletion.accepted-everywhere',
        title: 'DELETE at any node is answered with 2xx, also at one that does not know the session yet.',
        source: rule('R8')
    }),
    requirement({
        id: 'deletion.ends-session-everywhere',
        title: 'Once DELETE is answered, every request of the session is answered with 404 on every node, also where it was used before.',
        source: spec('basic/transports#session-management')
    }),
    requirement({
        id: 'deletion.repeated',
        title: 'A second DELETE, at whatever node, is answered with 404.',
        source: rule('R2')
    }),
    requirement({
        id: 'deletion.concurrent',
        title: 'Of several DELETE at once at all nodes one succeeds, and the others succeed or find no session.',
        source: rule('R8')
    }),
    requirement({
        id: 'deletion.closes-streams',
        title: 'DELETE at any node ends a standalone stream that is open at another, within 3 seconds.',
        source: rule('R8'),
        needs: ['standalone-stream']
    }),
    requirement({
        id: 'deletion.ends-running-requests',
        title: 'DELETE at any node ends a request that runs at another, within 3 seconds and without a result.',
        source: rule('R8'),
        needs: ['sse']
    }),
    requirement({
        id: 'deletion.ends-questions',
        title: "DELETE at any node ends a request that waits for the client's answer, and the answer finds no session.",
        source: rule('R8'),
        needs: ['server-requests', 'sse']
    }),
    requirement({
        id: 'deletion.ends-resumption',
        title: 'No stream of a deleted session can be resumed, on any node.',
        source: rule('R8'),
        needs: ['resumable', 'sse']
    }),
    requirement({
        id: 'deletion.is-final',
        title: 'A session that is deleted while all nodes serve its requests does not come back.',
        source: rule('R8')
    }),
    requirement({
        id: 'deletion.spares-other-sessions',
        title: 'DELETE ends one session, and leaves those of the same client alone.',
        source: rule('R8')
    })
];

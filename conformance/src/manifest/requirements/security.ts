import type { Requirement } from '../requirement.ts';
import { requirement, rule, spec } from './sources.ts';

export const security: readonly Requirement[] = [
    requirement({
        id: 'security.origin-checked',
        title: 'A request that a web page of a foreign origin makes is answered with 403 on every node.',
        source: spec('basic/transports#security-warning')
    }),
    requirement({
        id: 'security.token-demanded',
        title: 'A request without a token is answered with 401 on every node, whatever its method, and also within a session.',
        source: spec('basic/authorization#access-token-usage'),
        needs: ['auth'],
        faults: ['configure']
    }),
    requirement({
        id: 'security.principal-of-request',
        title: 'A handler sees whose request it serves, on every node.',
        source: rule('R9'),
        needs: ['auth'],
        faults: ['configure']
    }),
    requirement({
        id: 'security.stranger-request-refused',
        title: "A request in somebody else's session is refused on every node and not carried out.",
        source: rule('R9'),
        needs: ['auth', 'standalone-stream', 'logging'],
        faults: ['configure']
    }),
    requirement({
        id: 'security.stranger-stream-refused',
        title: "Nobody can open the standalone stream of somebody else's session, on any node.",
        source: rule('R9'),
        needs: ['auth', 'standalone-stream'],
        faults: ['configure']
    }),
    requirement({
        id: 'security.stranger-resumption-refused',
        title: "Nobody can resume a stream of somebody else's session, on any node.",
        source: rule('R9'),
        needs: ['auth', 'resumable', 'sse'],
        faults: ['configure']
    }),
    requirement({
        id: 'security.stranger-delete-refused',
        title: "Nobody can end somebody else's session, on any node.",
        source: rule('R9'),
        needs: ['auth'],
        faults: ['configure']
    }),
    requirement({
        id: 'security.stranger-reply-refused',
        title: "Nobody can answer a question in somebody else's session.",
        source: rule('R9'),
        needs: ['auth', 'server-requests', 'sse'],
        faults: ['configure']
    }),
    requirement({
        id: 'security.stranger-cancellation-refused',
        title: "Nobody can cancel a request of somebody else's session.",
        source: rule('R9'),
        needs: ['auth', 'sse'],
        faults: ['configure']
    })
];

import type { Requirement } from '../requirement.ts';
import { requirement, rule, spec } from './sources.ts';

export const session: readonly Requirement[] = [
    requirement({
        id: 'session.id-issued',
        title: 'The answer to initialize carries a session id of visible ASCII characters, on every node.',
        source: spec('basic/transports#session-management')
    }),
    requirement({
        id: 'session.ids-unguessable',
        level: 'SHOULD',
        title: 'Session ids are unique over all nodes, and differ in at least 64 bits that nobody can foresee.',
        source: spec('basic/transports#session-management')
    }),
    requirement({
        id: 'session.usable-everywhere',
        title: 'A session made on any node is good on every other from the moment that the answer to initialize begins.',
        source: rule('R1'),
        nodes: 2
    }),
    requirement({
        id: 'session.missing-id-refused',
        level: 'SHOULD',
        title: 'A request without a session id, other than initialize, is answered with 400 on every node.',
        source: spec('basic/transports#session-management')
    }),
    requirement({
        id: 'session.unknown-id-refused',
        title: 'A request of any method with an unknown session id is answered with 404 on every node.',
        source: rule('R2')
    }),
    requirement({
        id: 'session.malformed-id-refused',
        title: 'A session id that no session can have is refused with 4xx on every node.',
        source: rule('R2')
    }),
    requirement({
        id: 'session.client-info-everywhere',
        title: 'Every node knows who the client is.',
        source: rule('R4')
    }),
    requirement({
        id: 'session.capabilities-everywhere',
        title: 'Every node knows what the client is capable of.',
        source: rule('R4')
    }),
    requirement({
        id: 'session.log-level-everywhere',
        title: 'A log level that was set on one node is in force on all of them by the time that the client has the answer.',
        source: rule('R4'),
        needs: ['logging']
    }),
    requirement({
        id: 'session.initialized-anywhere',
        title: 'A session is initialized on every node, whichever took notifications/initialized.',
        source: rule('R4'),
        nodes: 2
    }),
    requirement({
        id: 'session.versions-everywhere',
        title: 'Every node goes on with the protocol version that was negotiated on another, whichever it is.',
        source: rule('R4'),
        nodes: 2
    }),
    requirement({
        id: 'session.cold-start-concurrent',
        title: 'Many requests that reach a node at once which does not know the session yet are all answered, and with what it consists of.',
        source: rule('R5'),
        nodes: 2
    }),
    requirement({
        id: 'session.second-initialize-refused',
        title: 'A second initialize within a session is refused on every node, and changes nothing.',
        source: rule('R10')
    }),
    requirement({
        id: 'session.kept-apart',
        title: 'Requests of two sessions that are served at the same time are each answered from their own session.',
        source: rule('R1')
    }),
    requirement({
        id: 'session.concurrent-requests',
        title: 'Many requests of one session at once, on all nodes, are each answered once and under their own id.',
        source: rule('R1')
    }),
    requirement({
        id: 'session.expires-everywhere',
        title: 'A session that was not used for its lifetime is answered with 404 on every node, also where it was used before.',
        source: rule('R2'),
        needs: ['ttl'],
        faults: ['configure']
    }),
    requirement({
        id: 'session.renewed-by-requests',
        title: 'Requests keep a session alive beyond its idle lifetime, whichever nodes they reach.',
        source: rule('R7'),
        needs: ['ttl'],
        faults: ['configure']
    }),
    requirement({
        id: 'session.renewed-by-notifications',
        title: 'Notifications keep a session alive beyond its idle lifetime, whichever nodes they reach.',
        source: rule('R7'),
        needs: ['ttl'],
        faults: ['configure']
    }),
    requirement({
        id: 'session.renewed-by-open-stream',
        title: 'A session with an open standalone stream stays alive without any request.',
        source: rule('R7'),
        needs: ['ttl', 'standalone-stream'],
        faults: ['configure']
    }),
    requirement({
        id: 'session.renewed-by-running-request',
        title: 'A request that runs for longer than the idle lifetime is answered, and its session is alive afterwards.',
        source: rule('R7'),
        needs: ['ttl'],
        faults: ['configure']
    })
];

import type { Requirement } from '../requirement.ts';
import { requirement, rule, spec } from './sources.ts';

const resumable = ['resumable', 'sse'] as const;

export const resumption: readonly Requirement[] = [
    requirement({
        id: 'resumption.event-ids-unique',
        title: 'Event ids are unique within a session, over all of its streams and all nodes.',
        source: spec('basic/transports#resumability-and-redelivery'),
        needs: [...resumable, 'standalone-stream', 'logging']
    }),
    requirement({
        id: 'resumption.while-running',
        title: 'The stream of a request that still runs can be resumed at any node: all that was missed comes, then what follows, then the response.',
        source: rule('R14'),
        needs: resumable
    }),
    requirement({
        id: 'resumption.after-response',
        title: 'The stream of a request that was answered while the client was away can be resumed at any node, and ends with the response.',
        source: rule('R14'),
        needs: resumable
    }),
    requirement({
        id: 'resumption.repeatable',
        level: 'SHOULD',
        title: 'A stream can be resumed from the same event more than once, with the same result.',
        source: rule('R14'),
        needs: resumable
    }),
    requirement({
        id: 'resumption.from-first-event',
        title: 'A stream that is resumed from its first event has all the others.',
        source: rule('R14'),
        needs: resumable
    }),
    requirement({
        id: 'resumption.hopping',
        title: 'A client that reconnects again and again, each time at the next node, gets each event once and in order.',
        source: rule('R14'),
        needs: resumable
    }),
    requirement({
        id: 'resumption.takes-over',
        title: 'A stream can be resumed though its old connection seems to be open, and goes on at the new one.',
        source: rule('R14'),
        needs: resumable
    }),
    requirement({
        id: 'resumption.question-repeated',
        title: 'A question that the client may have missed comes again under the same id, at any node, and its answer can go to another.',
        source: rule('R14'),
        needs: [...resumable, 'server-requests']
    }),
    requirement({
        id: 'resumption.standalone',
        title: 'A standalone stream that is resumed at any node has all that was sent meanwhile, once and in order, then what follows.',
        source: rule('R14'),
        needs: [...resumable, 'standalone-stream', 'logging']
    }),
    requirement({
        id: 'resumption.own-stream-only',
        title: 'A stream that is resumed has no messages of other streams.',
        source: spec('basic/transports#resumability-and-redelivery'),
        needs: [...resumable, 'standalone-stream', 'logging']
    }),
    requirement({
        id: 'resumption.foreign-id-refused',
        title: 'An event id of another session is refused with 4xx on every node.',
        source: rule('R14'),
        needs: resumable
    }),
    requirement({
        id: 'resumption.unknown-id-refused',
        title: 'An event id that the server has never given is refused with 4xx on every node.',
        source: rule('R14'),
        needs: ['resumable']
    }),
    requirement({
        id: 'resumption.survives-producer',
        title: 'The response of a node that was killed afterwards can still be had from another.',
        source: rule('R14'),
        needs: resumable,
        faults: ['kill-node'],
        nodes: 2
    })
];

import type { Requirement } from '../requirement.ts';
import { requirement, rule, spec } from './sources.ts';

const standalone = ['standalone-stream', 'logging'] as const;

export const streams: readonly Requirement[] = [
    requirement({
        id: 'streams.message-from-anywhere',
        title: 'A message that belongs to no request reaches the standalone stream, whichever nodes send it and hold the stream.',
        source: rule('R13'),
        needs: standalone
    }),
    requirement({
        id: 'streams.once-and-in-order',
        title: 'Messages that all nodes send at once arrive on the standalone stream once, and in the order of each node.',
        source: rule('R13'),
        needs: standalone
    }),
    requirement({
        id: 'streams.large-message',
        title: 'A message of 64 KiB that another node sends arrives whole.',
        source: rule('R13'),
        needs: standalone
    }),
    requirement({
        id: 'streams.sessions-kept-apart',
        title: 'A message reaches the stream of its own session only.',
        source: rule('R13'),
        needs: standalone
    }),
    requirement({
        id: 'streams.not-broadcast',
        title: 'A message is sent on one of the streams that a client has open, never on several.',
        source: spec('basic/transports#multiple-connections'),
        needs: [...standalone, 'sse']
    }),
    requirement({
        id: 'streams.newest-listener-wins',
        title: 'A client that opens the standalone stream anew, at whatever node, gets messages there, though its old connection seems to be open.',
        source: rule('R13'),
        needs: standalone
    }),
    requirement({
        id: 'streams.kept-for-first-listener',
        level: 'SHOULD',
        title: 'Messages that were sent before anybody listened are kept for the first who does.',
        source: rule('R13'),
        needs: [...standalone, 'resumable']
    }),
    requirement({
        id: 'streams.log-level-respected',
        title: 'No node sends log messages below the level that was set on another.',
        source: rule('R4'),
        needs: standalone
    }),
    requirement({
        id: 'streams.progress-on-own-stream',
        level: 'SHOULD',
        title: 'Progress of a request arrives on its own stream, in order and before the response.',
        source: spec('basic/transports#sending-messages-to-the-server'),
        needs: ['standalone-stream', 'sse']
    }),
    requirement({
        id: 'streams.question-on-own-stream',
        level: 'SHOULD',
        title: 'A question that belongs to a request arrives on the stream of that request, and not on the standalone one.',
        source: spec('basic/transports#sending-messages-to-the-server'),
        needs: [...standalone, 'server-requests', 'sse']
    }),
    requirement({
        id: 'streams.no-response-on-standalone',
        title: 'The standalone stream carries no response.',
        source: spec('basic/transports#listening-for-messages-from-the-server'),
        needs: standalone
    }),
    requirement({
        id: 'streams.disconnect-is-no-cancellation',
        level: 'SHOULD',
        title: 'A client that loses its connection has not cancelled its request.',
        source: spec('basic/transports#sending-messages-to-the-server'),
        needs: ['sse']
    })
];

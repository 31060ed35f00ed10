import type { Requirement } from '../requirement.ts';
import { requirement, spec } from './sources.ts';

const sending = spec('basic/transports#sending-messages-to-the-server');

export const protocol: readonly Requirement[] = [
    requirement({
        id: 'protocol.request-answered',
        title: 'A request is answered with 200 and a response that has its id, of the same type, on every node.',
        source: spec('basic#responses')
    }),
    requirement({
        id: 'protocol.answer-type',
        title: 'The answer to a request is an event stream or JSON, on every node.',
        source: sending
    }),
    requirement({
        id: 'protocol.stream-ends-with-response',
        level: 'SHOULD',
        title: 'The event stream that answers a request ends after the response, and holds no other one.',
        source: sending,
        needs: ['sse']
    }),
    requirement({
        id: 'protocol.notification-accepted',
        title: 'A notification is answered with 202 and no body on every node.',
        source: sending
    }),
    requirement({
        id: 'protocol.response-accepted',
        title: "The client's response is answered with 202 and no body.",
        source: sending,
        needs: ['server-requests', 'sse']
    }),
    requirement({
        id: 'protocol.malformed-body-refused',
        title: 'A body that is no JSON-RPC is answered with 4xx on every node, and does not harm the session.',
        source: sending
    }),
    requirement({
        id: 'protocol.unknown-method-answered',
        title: 'A request of an unknown method is answered with a JSON-RPC error that has its id, on every node.',
        source: spec('basic#error-responses')
    }),
    requirement({
        id: 'protocol.unknown-notification-harmless',
        title: 'A notification of an unknown method is no fault: the answer is 202 or a 4xx that does not deny the session.',
        source: spec('basic#notifications')
    }),
    requirement({
        id: 'protocol.version-negotiated',
        title: 'Every node negotiates versions alike: one that it supports is accepted, for others it names one that it supports.',
        source: spec('basic/lifecycle#version-negotiation')
    }),
    requirement({
        id: 'protocol.unsupported-version-refused',
        title: 'A request whose MCP-Protocol-Version is not supported is answered with 400 on every node.',
        source: spec('basic/transports#protocol-version-header')
    }),
    requirement({
        id: 'protocol.version-header-optional',
        level: 'SHOULD',
        title: 'A request without MCP-Protocol-Version is served on every node.',
        source: spec('basic/transports#protocol-version-header')
    }),
    requirement({
        id: 'protocol.get-is-stream',
        title: 'GET is answered with an event stream on every node.',
        source: spec('basic/transports#listening-for-messages-from-the-server'),
        needs: ['standalone-stream']
    }),
    requirement({
        id: 'protocol.stream-primed',
        level: 'SHOULD',
        title: 'The event stream that answers a request begins with an event that has an id and no data, on every node.',
        source: sending,
        needs: ['resumable', 'sse']
    }),
    requirement({
        id: 'protocol.batch-answered',
        title: 'A batch of the 2025-03-26 revision is answered with a response to each request, on every node.',
        source: spec('basic#batching', '2025-03-26'),
        needs: ['batches']
    }),
    requirement({
        id: 'protocol.json-answer',
        title: 'A server that answers in JSON does so with a single response, on every node.',
        source: sending,
        needs: ['json'],
        faults: ['configure']
    })
];

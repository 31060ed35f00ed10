import type { Requirement } from '../requirement.ts';
import { requirement, rule, spec } from './sources.ts';

const asks = ['server-requests', 'sse'] as const;

export const routing: readonly Requirement[] = [
    requirement({
        id: 'routing.reply-anywhere',
        title: "The client's answer to an elicitation reaches the tool that waits for it, whichever node took it.",
        source: rule('R11'),
        needs: asks,
        nodes: 2
    }),
    requirement({
        id: 'routing.sampling-anywhere',
        title: "The client's answer to a sampling request reaches the tool that waits for it, at another node.",
        source: rule('R11'),
        needs: asks,
        nodes: 2
    }),
    requirement({
        id: 'routing.roots-anywhere',
        title: "The client's answer to roots/list reaches the tool that waits for it, at another node.",
        source: rule('R11'),
        needs: asks,
        nodes: 2
    }),
    requirement({
        id: 'routing.error-anywhere',
        title: "The client's JSON-RPC error reaches the tool that waits for an answer, at another node.",
        source: rule('R11'),
        needs: asks,
        nodes: 2
    }),
    requirement({
        id: 'routing.ask-anywhere',
        title: 'A tool can ask the client on a node that meets the session for the first time.',
        source: rule('R4'),
        needs: asks,
        nodes: 2
    }),
    requirement({
        id: 'routing.server-ids-unique',
        title: "Ids of the server's requests are unique within a session over all nodes.",
        source: rule('R11'),
        needs: asks,
        nodes: 2
    }),
    requirement({
        id: 'routing.replies-not-confused',
        title: 'Answers to questions that all nodes ask at once reach each its own, in whatever order and at whatever node they come.',
        source: rule('R11'),
        needs: asks
    }),
    requirement({
        id: 'routing.large-reply',
        title: 'An answer of 64 KiB that is taken by another node arrives whole.',
        source: rule('R11'),
        needs: asks,
        nodes: 2
    }),
    requirement({
        id: 'routing.reply-of-other-session',
        title: 'An answer that comes in another session than the question is not delivered.',
        source: rule('R11'),
        needs: asks
    }),
    requirement({
        id: 'routing.unknown-reply-harmless',
        title: 'An answer to a question that was never asked gets 202 or a 4xx that does not deny the session, on every node.',
        source: rule('R11')
    }),
    requirement({
        id: 'routing.late-reply-harmless',
        title: 'An answer to a question that nobody waits for any more gets 202 or a 4xx that does not deny the session, on every node.',
        source: rule('R11'),
        needs: asks
    }),
    requirement({
        id: 'routing.duplicate-reply-harmless',
        title: 'An answer that comes twice, at two nodes, is delivered once, and neither is a fault.',
        source: rule('R11'),
        needs: asks
    }),
    requirement({
        id: 'routing.reply-to-dead-node',
        title: 'An answer to a question of a node that was killed gets a 4xx that does not deny the session.',
        source: rule('R11'),
        needs: asks,
        faults: ['kill-node'],
        nodes: 2
    }),
    requirement({
        id: 'routing.server-cancellation',
        level: 'SHOULD',
        title: 'A server that gives up a question cancels it under the id that the client saw.',
        source: spec('basic/lifecycle#timeouts'),
        needs: asks
    }),
    requirement({
        id: 'routing.cancel-anywhere',
        title: 'notifications/cancelled aborts the request on whatever node it runs, whichever node took the notification.',
        source: rule('R12'),
        needs: ['sse'],
        nodes: 2
    }),
    requirement({
        id: 'routing.cancel-ends-stream',
        title: 'The stream of a request that was cancelled at another node ends, without a result.',
        source: rule('R12'),
        needs: ['sse'],
        nodes: 2
    }),
    requirement({
        id: 'routing.cancel-settles-json',
        title: 'A request that is answered in JSON ends when it is cancelled at another node.',
        source: rule('R12'),
        needs: ['json'],
        faults: ['configure'],
        nodes: 2
    }),
    requirement({
        id: 'routing.cancel-only-named',
        title: 'A cancellation leaves other requests of the session alone, and those of other sessions that have the same id.',
        source: rule('R12'),
        needs: ['sse']
    }),
    requirement({
        id: 'routing.cancel-unknown-harmless',
        title: 'A cancellation of a request that does not run gets 202 or a 4xx that does not deny the session, on every node.',
        source: spec('basic/utilities/cancellation#error-handling')
    })
];

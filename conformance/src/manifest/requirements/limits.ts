import type { Requirement } from '../requirement.ts';
import { requirement, rule } from './sources.ts';

export const limits: readonly Requirement[] = [
    requirement({
        id: 'limits.deep-json',
        title: 'A body that is nested thousands of levels deep is no fault of the server, and does not end it.',
        source: rule('R18')
    }),
    requirement({
        id: 'limits.large-body-refused',
        level: 'SHOULD',
        title: 'A body of 32 MiB is refused, and the node goes on.',
        source: rule('R18')
    }),
    requirement({
        id: 'limits.large-batch',
        title: 'A batch of thousands of requests is refused or answered in full.',
        source: rule('R18'),
        needs: ['batches']
    }),
    requirement({
        id: 'limits.long-event-id-refused',
        title: 'A Last-Event-ID of thousands of characters is refused with 4xx.',
        source: rule('R18'),
        needs: ['resumable']
    }),
    requirement({
        id: 'limits.unexpected-method-refused',
        title: 'HTTP methods that MCP does not use are refused with 4xx.',
        source: rule('R18')
    })
];

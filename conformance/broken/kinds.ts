import { isRequest, isResponse } from '../src/http/jsonRpcMessage.ts';
import { type McpRequest, messagesIn } from './mcpRequest.ts';

export function isInitialize(request: McpRequest): boolean {
    return messagesIn(request).some(({ method }) => method === 'initialize');
}

/** What a client can do in a session, of which each may be guarded by itself. */
export type Kind = 'request' | 'notification' | 'cancellation' | 'reply' | 'listen' | 'resume' | 'delete' | 'other';

export function kindOf(request: McpRequest): Kind {
    switch (request.method) {
        case 'POST':
            return kindOfPost(request);
        case 'GET':
            return request.headers.has('last-event-id') ? 'resume' : 'listen';
        case 'DELETE':
            return 'delete';
        default:
            return 'other';
    }
}

function kindOfPost(request: McpRequest): Kind {
    const [message] = messagesIn(request);
    if (message === undefined) {
        return 'other';
    }
    if (isResponse(message)) {
        return 'reply';
    }
    if (isRequest(message)) {
        return 'request';
    }
    return message.method === 'notifications/cancelled' ? 'cancellation' : 'notification';
}

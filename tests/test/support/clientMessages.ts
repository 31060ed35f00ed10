import { post, type RequestOptions, type WireAnswer, type WireMessage } from './mcpRequests.ts';

/** Options of a request within a session. */
type WithinSession = Omit<RequestOptions, 'session'>;

function postWithin(url: string, session: string, body: object, options: WithinSession): Promise<WireAnswer> {
    return post(url, body, { version: '2025-11-25', ...options, session });
}

/** A reply to an elicitation. */
export function accepted(id: WireMessage['id'], value: string): object {
    return { jsonrpc: '2.0', id, result: { action: 'accept', content: { value } } };
}

/** Posts replies of the client, one or a batch. */
export function reply(url: string, session: string, message: object, options: WithinSession = {}): Promise<WireAnswer> {
    return postWithin(url, session, message, options);
}

/** Posts a notification of the client. */
export function notify(
    url: string,
    session: string,
    method: string,
    params: object = {},
    options: WithinSession = {}
): Promise<WireAnswer> {
    return postWithin(url, session, { jsonrpc: '2.0', method, params }, options);
}

/** Cancels a request of the client. */
export function cancel(url: string, session: string, requestId: string | number, options: WithinSession = {}): Promise<WireAnswer> {
    return notify(url, session, 'notifications/cancelled', { requestId, reason: 'the test says so' }, options);
}

/** A `tools/call` request, for batches. */
export function toolCall(id: string | number, name: string, args: object = {}): object {
    return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } };
}

/** The condition of {@link WireAnswer.message} for a request of the server. */
export function asks(method: string): (message: WireMessage) => boolean {
    return message => message.method === method;
}

import type { RequestId } from '../http/sdk.js';

/**
 * What is stored as an event of a request's stream: a message for the client, or a note that tells whoever takes the stream over which
 * requests are unanswered at that point.
 */
export type LoggedEvent =
    { readonly kind: 'message'; readonly json: string } | { readonly kind: 'unanswered'; readonly requestIds: readonly RequestId[] };

const MESSAGE = 'm';
const UNANSWERED = 'u';

/** @param json the message, serialised. */
export function logMessage(json: string): string {
    return MESSAGE + json;
}

export function logUnanswered(requestIds: Iterable<RequestId>): string {
    return UNANSWERED + JSON.stringify([...requestIds]);
}

/** @returns `undefined` for a kind that a newer release has added. */
export function readLogged(data: string): LoggedEvent | undefined {
    if (data.startsWith(MESSAGE)) {
        return { kind: 'message', json: data.slice(1) };
    }
    if (data.startsWith(UNANSWERED)) {
        const ids: unknown = JSON.parse(data.slice(1));
        return { kind: 'unanswered', requestIds: Array.isArray(ids) ? ids.filter(id => isRequestId(id)) : [] };
    }
    return undefined;
}

function isRequestId(value: unknown): value is RequestId {
    return typeof value === 'string' || typeof value === 'number';
}

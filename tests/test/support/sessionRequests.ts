import { del, get, initializeMessage, post, type RequestOptions, type WireAnswer } from './mcpRequests.ts';

/** A request within a session. */
export interface SessionRequest {
    readonly what: string;
    readonly send: (url: string, options: RequestOptions) => Promise<WireAnswer>;
}

function posting(what: string, body: object): SessionRequest {
    return { what: `POST of ${what}`, send: (url, options) => post(url, body, options) };
}

/** One request of every kind that a client can make within a session. */
export const sessionRequests: readonly SessionRequest[] = [
    posting('a request', { jsonrpc: '2.0', id: 7, method: 'tools/list' }),
    posting('initialized', { jsonrpc: '2.0', method: 'notifications/initialized' }),
    posting('a notification', { jsonrpc: '2.0', method: 'notifications/roots/list_changed' }),
    posting('a cancellation', { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 8 } }),
    posting('progress', { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1, progress: 1 } }),
    posting('a reply', { jsonrpc: '2.0', id: 9, result: {} }),
    posting('an error reply', { jsonrpc: '2.0', id: 9, error: { code: -1, message: 'no' } }),
    posting('a batch', [
        { jsonrpc: '2.0', id: 10, method: 'tools/list' },
        { jsonrpc: '2.0', method: 'notifications/roots/list_changed' }
    ] satisfies object[]),
    { what: 'GET', send: (url, options) => get(url, options) },
    { what: 'GET with Last-Event-ID', send: (url, options) => get(url, { lastEventId: 'AAAAAAAAAAAAAAAA-1.1', ...options }) },
    { what: 'DELETE', send: (url, options) => del(url, options) }
];

/** As {@link sessionRequests}, with a second `initialize`. Without a session id that begins a session. */
export const requestsThatNameASession: readonly SessionRequest[] = [...sessionRequests, posting('another initialize', initializeMessage())];

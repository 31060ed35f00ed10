import type { HttpExchange } from './httpExchange.js';

/** Why a request is not served: an HTTP status and the JSON-RPC error that goes into the body (its `id` is null, as no request is answered). */
export interface Refusal {
    readonly status: number;
    readonly code: number;
    readonly message: string;
    readonly headers?: Readonly<Record<string, string>> | undefined;
    readonly data?: string | undefined;
}

/** JSON-RPC error codes that refusals carry besides those of JSON-RPC itself; the SDK's transports use the same. */
export const REFUSED = -32000;
export const SESSION_NOT_FOUND = -32001;

/** Answers an exchange with a refusal. */
export function refuse(exchange: HttpExchange, refusal: Refusal): void {
    const { status, code, message, headers, data } = refusal;
    const error = data === undefined ? { code, message } : { code, message, data };
    exchange.respond(status, { 'Content-Type': 'application/json', ...headers }, JSON.stringify({ jsonrpc: '2.0', error, id: null }));
}

export function isRefusal<T extends object>(value: T | Refusal): value is Refusal {
    return 'status' in value && 'code' in value && typeof value.status === 'number';
}

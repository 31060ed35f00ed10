import {
    JSONRPCMessageSchema,
    type JSONRPCErrorResponse,
    type JSONRPCMessage,
    type JSONRPCNotification,
    type JSONRPCRequest,
    type JSONRPCResultResponse
} from './sdk.js';

/**
 * Checks that a parsed value is a JSON-RPC message.
 *
 * The everyday shapes are recognised by hand, since the schema costs more than the rest of a request's handling together; whatever is
 * less plain is left to the schema, which decides alone what is valid.
 * @throws what the schema throws, if the value is no JSON-RPC message.
 */
export function parseJsonRpcMessage(value: unknown): JSONRPCMessage {
    return isPlainRequestOrNotification(value) ? value : JSONRPCMessageSchema.parse(value);
}

function isPlainRequestOrNotification(value: unknown): value is JSONRPCRequest | JSONRPCNotification {
    if (typeof value !== 'object' || value === null || !('method' in value) || typeof value.method !== 'string') {
        return false;
    }
    for (const key in value) {
        if (key !== 'jsonrpc' && key !== 'id' && key !== 'method' && key !== 'params') {
            return false;
        }
    }
    if (!('jsonrpc' in value) || value.jsonrpc !== '2.0') {
        return false;
    }
    if ('id' in value && typeof value.id !== 'string' && !Number.isSafeInteger(value.id)) {
        return false;
    }
    if (!('params' in value)) {
        return true;
    }
    const { params } = value;
    return typeof params === 'object' && params !== null && !Array.isArray(params) && (!('_meta' in params) || isPlainMeta(params._meta));
}

function isPlainMeta(meta: unknown): boolean {
    if (typeof meta !== 'object' || meta === null || Array.isArray(meta)) {
        return false;
    }
    for (const key in meta) {
        if (key !== 'progressToken') {
            return false;
        }
    }
    return !('progressToken' in meta) || typeof meta.progressToken === 'string' || Number.isSafeInteger(meta.progressToken);
}

/** The guards below tell valid messages apart; unlike the SDK's they do not validate them again. */
export function isRequest(message: JSONRPCMessage): message is JSONRPCRequest {
    return 'method' in message && 'id' in message;
}

export function isNotification(message: JSONRPCMessage): message is JSONRPCNotification {
    return 'method' in message && !('id' in message);
}

export function isResponse(message: JSONRPCMessage): message is JSONRPCResultResponse | JSONRPCErrorResponse {
    return !('method' in message);
}

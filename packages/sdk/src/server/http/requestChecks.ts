import type { HttpExchange } from './httpExchange.js';
import { parseJsonRpcMessage } from './jsonRpcMessage.js';
import { REFUSED, type Refusal } from './refusal.js';
import {
    DEFAULT_NEGOTIATED_PROTOCOL_VERSION,
    ErrorCode,
    MAX_BATCH_SIZE,
    SUPPORTED_PROTOCOL_VERSIONS,
    isInitializeRequest,
    isJsonContentType,
    requestBodyTooLargeMessage,
    type InitializeRequest,
    type JSONRPCMessage
} from './sdk.js';

const JSON_ANSWER = 'application/json';
const STREAM_ANSWER = 'text/event-stream';

/** Headers of every event stream. */
export const EVENT_STREAM_HEADERS: Readonly<Record<string, string>> = {
    'Content-Type': STREAM_ANSWER,
    'Cache-Control': 'no-cache, no-transform',
    Connection: 'keep-alive',
    'X-Accel-Buffering': 'no'
};

export const METHOD_NOT_ALLOWED: Refusal = {
    status: 405,
    code: REFUSED,
    message: 'Method not allowed.',
    headers: { Allow: 'GET, POST, DELETE' }
};

export const NO_VALID_URL: Refusal = {
    status: 400,
    code: REFUSED,
    message: 'Bad Request: The target of the request and its Host header make no valid URL'
};

/** Streamable HTTP, "Listening for Messages from the Server": a GET must accept `text/event-stream`. */
export function checkGetAccept(exchange: HttpExchange): Refusal | undefined {
    if (!exchange.header('accept')?.includes(STREAM_ANSWER)) {
        return { status: 406, code: REFUSED, message: 'Not Acceptable: Client must accept text/event-stream' };
    }
    return undefined;
}

/** Streamable HTTP, "Sending Messages to the Server": a POST must accept both kinds of answer, and its body is JSON. */
export function checkPostHeaders(exchange: HttpExchange): Refusal | undefined {
    const accept = exchange.header('accept');
    if (!accept?.includes(JSON_ANSWER) || !accept.includes(STREAM_ANSWER)) {
        return {
            status: 406,
            code: REFUSED,
            message: 'Not Acceptable: Client must accept both application/json and text/event-stream'
        };
    }
    if (!isJsonContentType(exchange.header('content-type'))) {
        return { status: 415, code: REFUSED, message: 'Unsupported Media Type: Content-Type must be application/json' };
    }
    return undefined;
}

/** Streamable HTTP, "Protocol Version Header": an unsupported version is refused, a missing one is fine. */
export function checkProtocolVersion(exchange: HttpExchange): Refusal | undefined {
    const version = exchange.header('mcp-protocol-version');
    if (version !== undefined && !SUPPORTED_PROTOCOL_VERSIONS.includes(version)) {
        const supported = SUPPORTED_PROTOCOL_VERSIONS.join(', ');
        return {
            status: 400,
            code: REFUSED,
            message: `Bad Request: Unsupported protocol version: ${version} (supported versions: ${supported})`
        };
    }
    return undefined;
}

/** Reads the messages of a POST: one, or a batch of a revision that has batches. */
export async function readMessages(exchange: HttpExchange, maxBytes: number): Promise<JSONRPCMessage[] | Refusal> {
    let raw: unknown = exchange.parsedBody;
    if (raw === undefined) {
        try {
            const text = await exchange.readBody(maxBytes);
            if (text === undefined) {
                return { status: 413, code: REFUSED, message: requestBodyTooLargeMessage(maxBytes) };
            }
            raw = JSON.parse(text);
        } catch {
            return { status: 400, code: ErrorCode.ParseError, message: 'Parse error: Invalid JSON' };
        }
    }
    if (!Array.isArray(raw)) {
        const message = tryParse(raw);
        return message === undefined ? INVALID_MESSAGE : [message];
    }
    if (raw.length > MAX_BATCH_SIZE) {
        return {
            status: 400,
            code: ErrorCode.InvalidRequest,
            message: `Invalid Request: Batch must not exceed ${MAX_BATCH_SIZE} messages`
        };
    }
    const messages: JSONRPCMessage[] = [];
    for (const item of raw) {
        const message = tryParse(item);
        if (message === undefined) {
            return INVALID_MESSAGE;
        }
        messages.push(message);
    }
    return messages;
}

const INVALID_MESSAGE: Refusal = { status: 400, code: ErrorCode.ParseError, message: 'Parse error: Invalid JSON-RPC message' };

/** A message that can't be walked (nested thousands of levels deep, say) is as invalid as one of the wrong shape. */
function tryParse(value: unknown): JSONRPCMessage | undefined {
    try {
        return parseJsonRpcMessage(value);
    } catch {
        return undefined;
    }
}

/** The `initialize` request among messages, if there is one. */
export function findInitialize(messages: readonly JSONRPCMessage[]): InitializeRequest | undefined {
    for (const message of messages) {
        if ('method' in message && message.method === 'initialize' && isInitializeRequest(message)) {
            return message;
        }
    }
    return undefined;
}

/** The revision whose rules apply to a request: that of `initialize` itself, else that of the header, else the one that had no header. */
export function protocolVersionOf(exchange: HttpExchange, initialize: InitializeRequest | undefined): string {
    return initialize?.params.protocolVersion ?? exchange.header('mcp-protocol-version') ?? DEFAULT_NEGOTIATED_PROTOCOL_VERSION;
}

/** First revision whose clients understand an event without data, which gives them an id to resume from before anything was sent. */
export const FIRST_VERSION_WITH_PRIMING = '2025-11-25';

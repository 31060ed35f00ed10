import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { type Dispatcher, request } from 'undici';
import { z } from 'zod';

/** What a session's requests carry. */
export interface Session {
    readonly id: string;
    readonly protocolVersion: string;
    /** Sent as `Authorization: Bearer`. */
    readonly token?: string | undefined;
}

const jsonRpcError = z.looseObject({ code: z.number(), message: z.string() });

const jsonRpcMessage = z.looseObject({
    jsonrpc: z.literal('2.0'),
    id: z.union([z.string(), z.number(), z.null()]).optional(),
    method: z.string().optional(),
    params: z.unknown().optional(),
    result: z.unknown().optional(),
    error: jsonRpcError.optional()
});

export type JsonRpcMessage = z.infer<typeof jsonRpcMessage>;

/** How long a server may take until it answers with headers, in milliseconds. */
const headersTimeoutMs = 30_000;

/** The answer of one node to one HTTP request, before anything of its body is read. */
export class McpHttpResponse {
    readonly status: number;
    /** The `x-node-id` header: which node was contacted. Absent if a proxy answered by itself. */
    readonly nodeId: string | undefined;
    readonly headers: Dispatcher.ResponseData['headers'];
    private readonly body: Dispatcher.ResponseData['body'];

    constructor({ statusCode, headers, body }: Dispatcher.ResponseData) {
        this.status = statusCode;
        this.headers = headers;
        this.nodeId = this.header('x-node-id');
        this.body = body;
    }

    header(name: string): string | undefined {
        const value = this.headers[name];
        return Array.isArray(value) ? value.join(', ') : value;
    }

    get isEventStream(): boolean {
        return this.header('content-type')?.startsWith('text/event-stream') ?? false;
    }

    /** The events of an event stream, until it ends. Leaving the loop early closes the connection. */
    async *events(): AsyncGenerator<EventSourceMessage, void> {
        const parsed: EventSourceMessage[] = [];
        const parser = createParser({ onEvent: event => parsed.push(event) });
        for await (const chunk of this.body.setEncoding('utf8')) {
            parser.feed(String(chunk));
            yield* parsed.splice(0);
        }
    }

    /** The JSON-RPC messages of the body, whether it is JSON or an event stream. Events without data, which only carry an id, are left out. */
    async *messages(): AsyncGenerator<JsonRpcMessage, void> {
        if (!this.isEventStream) {
            const text = await this.text();
            if (text !== '') {
                yield jsonRpcMessage.parse(JSON.parse(text));
            }
            return;
        }
        for await (const { data } of this.events()) {
            if (data !== '') {
                yield jsonRpcMessage.parse(JSON.parse(data));
            }
        }
    }

    /** The first JSON-RPC response in the body. */
    async response(): Promise<JsonRpcMessage> {
        for await (const message of this.messages()) {
            if (message.method === undefined) {
                return message;
            }
        }
        throw new Error(`The body of a ${this.status} answer of ${this.nodeId ?? 'a proxy'} held no JSON-RPC response`);
    }

    text(): Promise<string> {
        return this.body.text();
    }

    /** Reads the body to its end, so that the connection can be used again. */
    async discard(): Promise<void> {
        await this.body.dump();
    }
}

/** A session to be made. */
export interface InitializeOptions {
    /** Default: `2025-11-25` */
    readonly protocolVersion?: string;
    readonly capabilities?: Readonly<Record<string, unknown>>;
    readonly clientInfo?: { readonly name: string; readonly version: string };
    readonly token?: string;
}

/** Sends a JSON-RPC message, or whatever else is to be tried. */
export function post(url: string, message: unknown, session?: Partial<Session>): Promise<McpHttpResponse> {
    const headers = { ...headersOf(session), 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    return send(url, { method: 'POST', headers, body: JSON.stringify(message) });
}

/** Opens the session's standalone stream or, with the id of an event, resumes the stream that the event was on. */
export function get(url: string, session: Session, lastEventId?: string): Promise<McpHttpResponse> {
    const headers = { ...headersOf(session), accept: 'text/event-stream' };
    return send(url, { method: 'GET', headers: lastEventId === undefined ? headers : { ...headers, 'last-event-id': lastEventId } });
}

/** Ends a session. The body of the answer is read already. */
export async function terminate(url: string, session: Session): Promise<McpHttpResponse> {
    const response = await send(url, { method: 'DELETE', headers: headersOf(session) });
    await response.discard();
    return response;
}

/** Makes a session and checks that it was made; `notifications/initialized` is left to the caller, who chooses where to send it. */
export async function initialize(
    url: string,
    {
        protocolVersion = '2025-11-25',
        capabilities = {},
        clientInfo = { name: 'session-conformance', version: '1.0.0' },
        token
    }: InitializeOptions = {}
): Promise<{ readonly session: Session; readonly nodeId: string | undefined; readonly result: unknown }> {
    const params = { protocolVersion, capabilities, clientInfo };
    const http = await post(url, { jsonrpc: '2.0', id: 'initialize', method: 'initialize', params }, { token });
    const { result, error } = await http.response();
    const id = http.header('mcp-session-id');
    if (http.status !== 200 || id === undefined || error !== undefined) {
        throw new Error(`initialize was answered with ${http.status} and session id ${id ?? '(none)'}: ${JSON.stringify(error ?? result)}`);
    }
    const negotiated = z.looseObject({ protocolVersion: z.string() }).parse(result).protocolVersion;
    return { session: { id, protocolVersion: negotiated, token }, nodeId: http.nodeId, result };
}

/** Sends `notifications/initialized`. The body of the answer is read already. */
export async function sendInitialized(url: string, session: Session): Promise<McpHttpResponse> {
    const response = await post(url, { jsonrpc: '2.0', method: 'notifications/initialized' }, session);
    await response.discard();
    return response;
}

const toolResult = z.looseObject({
    content: z.array(z.looseObject({ type: z.string(), text: z.string().optional() })),
    isError: z.boolean().optional()
});

/** What a tool returned, and who contacted it. */
export interface ToolAnswer {
    readonly status: number;
    readonly nodeId: string | undefined;
    /** The first text of the result; empty if there is none. */
    readonly text: string;
    readonly isError: boolean;
}

let lastRequestId = 0;

/** Calls a tool and waits for its result. @throws {Error} if the answer is anything else. */
export async function callTool(
    url: string,
    session: Session,
    name: string,
    args: Readonly<Record<string, unknown>> = {}
): Promise<ToolAnswer> {
    const id = ++lastRequestId;
    const http = await post(url, { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } }, session);
    const response = await http.response();
    if (response.id !== id || response.error !== undefined) {
        throw new Error(`tools/call ${name} was answered with ${http.status}: ${JSON.stringify(response)}`);
    }
    const { content, isError = false } = toolResult.parse(response.result);
    return { status: http.status, nodeId: http.nodeId, text: content[0]?.text ?? '', isError };
}

async function send(url: string, options: Omit<Dispatcher.RequestOptions, 'origin' | 'path'>): Promise<McpHttpResponse> {
    return new McpHttpResponse(await request(url, { ...options, headersTimeout: headersTimeoutMs, bodyTimeout: 0 }));
}

function headersOf({ id, protocolVersion, token }: Partial<Session> = {}): Record<string, string> {
    return {
        ...(id === undefined ? {} : { 'mcp-session-id': id }),
        ...(protocolVersion === undefined ? {} : { 'mcp-protocol-version': protocolVersion }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` })
    };
}

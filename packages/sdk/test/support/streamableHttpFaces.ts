import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import {
    WebStandardStreamableHTTPServerTransport,
    type WebStandardStreamableHTTPServerTransportOptions
} from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { CallToolResultSchema, JSONRPCMessageSchema, type JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { EventSourceParserStream } from 'eventsource-parser/stream';

export type Options = WebStandardStreamableHTTPServerTransportOptions;
export type AnyTransport = StreamableHTTPServerTransport | WebStandardStreamableHTTPServerTransport;

/** One of the two transports, and a way to send HTTP requests to it. */
export interface Endpoint extends AsyncDisposable {
    readonly transport: AnyTransport;
    request(init: RequestInit): Promise<Response>;
}

export interface Face {
    readonly name: string;
    open(options: Options): Promise<Endpoint>;
}

const nodeFace: Face = {
    name: 'StreamableHTTPServerTransport',
    async open(options) {
        const transport = new StreamableHTTPServerTransport(options);
        const { url, close } = await listen((req, res) => transport.handleRequest(req, res));
        return { transport, request: init => fetch(url, init), [Symbol.asyncDispose]: close };
    }
};

const webFace: Face = {
    name: 'WebStandardStreamableHTTPServerTransport',
    async open(options) {
        const transport = new WebStandardStreamableHTTPServerTransport(options);
        const request = (init: RequestInit) => transport.handleRequest(new Request('http://127.0.0.1/mcp', init));
        return { transport, request, [Symbol.asyncDispose]: () => transport.close() };
    }
};

export const faces = [nodeFace, webFace];

/** Serves HTTP on a free port. */
export async function listen(handle: (req: IncomingMessage, res: ServerResponse) => Promise<void>) {
    const server = createServer((req, res) => void handle(req, res));
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') {
        throw new Error('The server does not listen on a port');
    }
    const close = () =>
        new Promise<void>(resolve => {
            server.close(() => resolve());
            server.closeAllConnections();
        });
    return { server, port: address.port, url: `http://127.0.0.1:${address.port}/mcp`, close };
}

export const clientInfo = { name: 'test-client', version: '1.2.3' };

export function initializeMessage(capabilities: Record<string, unknown> = {}, protocolVersion = '2025-06-18') {
    return { jsonrpc: '2.0' as const, id: 'init', method: 'initialize', params: { protocolVersion, capabilities, clientInfo } };
}

export function toolCall(id: string | number, name: string, args: Record<string, unknown> = {}) {
    return { jsonrpc: '2.0' as const, id, method: 'tools/call', params: { name, arguments: args } };
}

export function post(message: unknown, sessionId?: string, protocolVersion?: string): RequestInit {
    const accept = 'application/json, text/event-stream';
    return {
        method: 'POST',
        headers: { accept, 'content-type': 'application/json', ...sessionHeaders(sessionId, protocolVersion) },
        body: JSON.stringify(message)
    };
}

export function get(sessionId: string, lastEventId?: string): RequestInit {
    const resume = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    return { method: 'GET', headers: { accept: 'text/event-stream', ...sessionHeaders(sessionId), ...resume } };
}

function sessionHeaders(sessionId: string | undefined, protocolVersion?: string): Record<string, string> {
    return {
        ...(sessionId === undefined ? {} : { 'mcp-session-id': sessionId }),
        ...(protocolVersion === undefined ? {} : { 'mcp-protocol-version': protocolVersion })
    };
}

export interface WireEvent {
    readonly id: string | undefined;
    readonly message: JSONRPCMessage | undefined;
}

/** The events of an answer, as they come. An event without a message has the message `undefined`. */
export async function* eventsOf(response: Response): AsyncGenerator<WireEvent, void, undefined> {
    if (response.body === null) {
        throw new Error('The answer has no body');
    }
    const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
    for await (const { id, data } of events) {
        yield { id, message: data === '' ? undefined : JSONRPCMessageSchema.parse(JSON.parse(data)) };
    }
}

/** All messages of an answer that ends, whichever form it has. */
export async function messagesOf(response: Response): Promise<JSONRPCMessage[]> {
    if (response.headers.get('content-type') === 'application/json') {
        const body: unknown = await response.json();
        return (Array.isArray(body) ? body : [body]).map(message => JSONRPCMessageSchema.parse(message));
    }
    const messages = [];
    for await (const { message } of eventsOf(response)) {
        if (message !== undefined) {
            messages.push(message);
        }
    }
    return messages;
}

/** Begins a session. @returns its id. */
export async function initialize(
    endpoint: Endpoint,
    capabilities: Record<string, unknown> = {},
    protocolVersion?: string
): Promise<string> {
    const response = await endpoint.request(post(initializeMessage(capabilities, protocolVersion)));
    await messagesOf(response);
    const sessionId = response.headers.get('mcp-session-id');
    if (sessionId === null) {
        throw new Error(`No session was begun: status ${response.status}`);
    }
    const confirmed = await endpoint.request(post({ jsonrpc: '2.0', method: 'notifications/initialized' }, sessionId));
    if (confirmed.status !== 202) {
        throw new Error(`The session was not confirmed: status ${confirmed.status}`);
    }
    return sessionId;
}

/** The JSON in the text that a tool returned. */
export function toolResultOf(message: JSONRPCMessage | undefined): unknown {
    if (message === undefined || !('result' in message)) {
        throw new Error(`This is no result: ${JSON.stringify(message)}`);
    }
    const [content] = CallToolResultSchema.parse(message.result).content;
    return content?.type === 'text' ? JSON.parse(content.text) : undefined;
}

/** A log message of the server that carries a text. */
export function logMessage(data: string): JSONRPCMessage {
    return { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data } };
}

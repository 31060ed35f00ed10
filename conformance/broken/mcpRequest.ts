import { type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { type AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js';
import { type AuthenticatedRequest } from '../fixtures/shared/accessControl.ts';
import { type JsonRpcMessage, parseMessages } from '../src/http/jsonRpcMessage.ts';

/** A request on its way to a session handler, in a form that is easily changed. */
export interface McpRequest {
    readonly method: string;
    readonly headers: Headers;
    /** Body of a POST; empty for other methods. */
    readonly body: string;
    readonly authInfo: AuthInfo | undefined;
    /** Aborted when the client's connection ends before the answer is complete. */
    readonly disconnected: AbortSignal;
}

/** Answers requests: a session handler, or something that stands before it. */
export type Serve = (request: McpRequest) => Promise<Response>;

export function sessionOf(request: McpRequest): string | undefined {
    return request.headers.get('mcp-session-id') ?? undefined;
}

/** The messages of a POST; none if it holds something else. */
export function messagesIn(request: McpRequest): readonly JsonRpcMessage[] {
    try {
        return request.method === 'POST' ? parseMessages(request.body) : [];
    } catch {
        return [];
    }
}

/** The request with other headers; `undefined` takes one away. */
export function withHeaders(request: McpRequest, changes: Readonly<Record<string, string | undefined>>): McpRequest {
    const headers = new Headers(request.headers);
    for (const [name, value] of Object.entries(changes)) {
        if (value === undefined) {
            headers.delete(name);
        } else {
            headers.set(name, value);
        }
    }
    return { ...request, headers };
}

/** The request with other messages, which stay a batch if they were one. */
export function withMessages(request: McpRequest, messages: readonly unknown[]): McpRequest {
    const isBatch = request.body.trimStart().startsWith('[');
    return { ...request, body: JSON.stringify(isBatch ? messages : messages[0]) };
}

export async function readRequest(req: AuthenticatedRequest, res: ServerResponse): Promise<McpRequest> {
    const disconnected = new AbortController();
    res.once('close', () => {
        if (!res.writableFinished) {
            disconnected.abort();
        }
    });
    return {
        method: req.method ?? 'GET',
        headers: new Headers(headersOf(req)),
        body: req.method === 'POST' ? await text(req) : '',
        authInfo: req.auth,
        disconnected: disconnected.signal
    };
}

function headersOf({ headers }: IncomingMessage): [string, string][] {
    return Object.entries(headers).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value] satisfies [string, string]]
    );
}

/** Sends an answer. @param turn is awaited before each part. */
export async function writeResponse(response: Response, res: ServerResponse, turn: () => Promise<void>): Promise<void> {
    await turn();
    for (const [name, value] of response.headers) {
        res.setHeader(name, value);
    }
    res.writeHead(response.status).flushHeaders();
    const reader = response.body?.getReader();
    if (reader !== undefined) {
        res.once('close', () => void reader.cancel().catch(() => undefined));
        for (let part = await reader.read(); !part.done; part = await reader.read()) {
            await turn();
            res.write(part.value);
        }
    }
    await turn();
    res.end();
}

import { Client, type Dispatcher } from 'undici';

/** Revision whose rules the bench follows. */
export const PROTOCOL_VERSION = '2025-11-25';

/** Longest wait for an answer, in milliseconds. */
const ANSWER_MS = 30_000;

export interface Answer {
    readonly status: number;
    readonly sessionId: string | undefined;
    readonly body: string;
}

/** One kept-alive HTTP connection to a node. */
export class Connection {
    private readonly client: Client;

    constructor(port: number) {
        this.client = new Client(`http://127.0.0.1:${port}`, {
            pipelining: 1,
            headersTimeout: ANSWER_MS,
            bodyTimeout: 0,
            keepAliveTimeout: 600_000
        });
    }

    async post(message: object, sessionId: string | undefined): Promise<Answer> {
        const { statusCode, headers, body } = await this.send('POST', sessionId, JSON.stringify(message));
        const id = headers['mcp-session-id'];
        return { status: statusCode, sessionId: typeof id === 'string' ? id : undefined, body: await body.text() };
    }

    /** Begins a request whose answer is read as it comes. */
    open(
        method: 'GET' | 'POST',
        sessionId: string,
        options: { message?: object; lastEventId?: string } = {}
    ): Promise<Dispatcher.ResponseData> {
        return this.send(method, sessionId, options.message && JSON.stringify(options.message), options.lastEventId);
    }

    async delete(sessionId: string): Promise<number> {
        const { statusCode, body } = await this.send('DELETE', sessionId);
        await body.dump();
        return statusCode;
    }

    async close(): Promise<void> {
        await this.client.destroy();
    }

    private send(method: Dispatcher.HttpMethod, sessionId?: string, body?: string, lastEventId?: string): Promise<Dispatcher.ResponseData> {
        const headers: Record<string, string> = {
            accept: method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
            'mcp-protocol-version': PROTOCOL_VERSION
        };
        if (body !== undefined) {
            headers['content-type'] = 'application/json';
        }
        if (sessionId !== undefined) {
            headers['mcp-session-id'] = sessionId;
        }
        if (lastEventId !== undefined) {
            headers['last-event-id'] = lastEventId;
        }
        return this.client.request({ method, path: '/mcp', headers, body: body ?? null });
    }
}

import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { Agent, request } from 'undici';

/** A JSON-RPC message as it came over the wire. */
export interface WireMessage {
    readonly jsonrpc?: string;
    readonly id?: string | number | null;
    readonly method?: string;
    readonly params?: Record<string, unknown>;
    readonly result?: Record<string, unknown>;
    readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

export interface WireEvent {
    readonly id: string | undefined;
    readonly message: WireMessage | undefined;
}

/** An HTTP answer whose events can be read one by one, as they come. */
export class WireAnswer {
    readonly status: number;
    readonly headers: Record<string, string | string[] | undefined>;
    private readonly queue: WireEvent[] = [];
    private readonly listeners: (() => void)[] = [];
    private text = '';
    private finished = false;
    private readonly done: Promise<void>;
    private readonly abort: () => void;
    /** Delays that the server has suggested for reconnecting, in milliseconds. */
    readonly retries: number[] = [];

    constructor(
        status: number,
        headers: Record<string, string | string[] | undefined>,
        body: AsyncIterable<Buffer> & { destroy(): void; on(event: 'error', listener: () => void): unknown }
    ) {
        this.status = status;
        this.headers = headers;
        this.abort = () => body.destroy();
        body.on('error', () => undefined);
        this.done = this.consume(body);
    }

    /** The next event; rejects if the answer ends before there is one. */
    async next(): Promise<WireEvent> {
        for (;;) {
            const event = this.queue.shift();
            if (event) {
                return event;
            }
            if (this.finished) {
                throw new Error(`The answer ended (status ${this.status}): ${this.text}`);
            }
            await new Promise<void>(resolve => this.listeners.push(resolve));
        }
    }

    /** The next event that carries a message for which the condition holds; others are dropped. */
    async message(
        condition: (message: WireMessage) => boolean = () => true
    ): Promise<WireMessage & { readonly eventId: string | undefined }> {
        for (;;) {
            const { id, message } = await this.next();
            if (message && condition(message)) {
                return { ...message, eventId: id };
            }
        }
    }

    /** All that came, once the answer has ended. */
    async all(): Promise<WireEvent[]> {
        await this.done;
        return this.queue.splice(0);
    }

    /** The one JSON document, or the last message of the event stream. */
    async json(): Promise<WireMessage> {
        await this.done;
        const last = this.queue.filter(event => event.message !== undefined).at(-1)?.message;
        return last ?? (JSON.parse(this.text) as WireMessage);
    }

    /** The whole body, parsed as JSON. */
    async document(): Promise<unknown> {
        await this.done;
        return JSON.parse(this.text);
    }

    async ended(): Promise<void> {
        await this.done;
    }

    header(name: string): string | undefined {
        const value = this.headers[name];
        return Array.isArray(value) ? value.join(', ') : value;
    }

    /** Closes the connection, as a client does that loses interest or its network. */
    disconnect(): void {
        this.abort();
    }

    private async consume(body: AsyncIterable<Buffer>): Promise<void> {
        const isStream = this.header('content-type')?.startsWith('text/event-stream') === true;
        const parser = createParser({
            onEvent: (event: EventSourceMessage) => {
                const message = event.data === '' ? undefined : (JSON.parse(event.data) as WireMessage);
                this.queue.push({ id: event.id, message });
                this.notify();
            },
            onRetry: ms => this.retries.push(ms)
        });
        const decoder = new TextDecoder();
        try {
            for await (const chunk of body) {
                const text = decoder.decode(chunk, { stream: true });
                this.text += text;
                if (isStream) {
                    parser.feed(text);
                }
            }
        } catch {
            // Cut off; what came before counts.
        }
        this.finished = true;
        this.notify();
    }

    private notify(): void {
        this.listeners.splice(0).forEach(listener => listener());
    }
}

const agent = new Agent({ connections: 256, headersTimeout: 20_000, bodyTimeout: 60_000, keepAliveTimeout: 1_000 });

export interface RequestOptions {
    readonly session?: string | undefined;
    readonly version?: string | undefined;
    readonly headers?: Record<string, string | undefined>;
    readonly user?: string | undefined;
}

function headersOf({ session, version, headers, user }: RequestOptions): Record<string, string> {
    const all: Record<string, string | undefined> = {
        accept: 'application/json, text/event-stream',
        'mcp-session-id': session,
        'mcp-protocol-version': version,
        authorization: user === undefined ? undefined : `Bearer user:${user}`,
        ...headers
    };
    return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Posts a body: an object is sent as JSON, a string as it is. */
export async function post(url: string, body: object | string, options: RequestOptions = {}): Promise<WireAnswer> {
    const answer = await request(url, {
        method: 'POST',
        dispatcher: agent,
        headers: { 'content-type': 'application/json', ...headersOf(options) },
        body: typeof body === 'string' ? body : JSON.stringify(body)
    });
    return new WireAnswer(answer.statusCode, answer.headers, answer.body);
}

export async function get(url: string, options: RequestOptions & { lastEventId?: string | undefined } = {}): Promise<WireAnswer> {
    const answer = await request(url, {
        method: 'GET',
        dispatcher: agent,
        headers: headersOf({
            ...options,
            headers: { accept: 'text/event-stream', 'last-event-id': options.lastEventId, ...options.headers }
        })
    });
    return new WireAnswer(answer.statusCode, answer.headers, answer.body);
}

export async function del(url: string, options: RequestOptions = {}): Promise<WireAnswer> {
    const answer = await request(url, { method: 'DELETE', dispatcher: agent, headers: headersOf(options) });
    return new WireAnswer(answer.statusCode, answer.headers, answer.body);
}

export const CLIENT_CAPABILITIES = { elicitation: { form: {} }, sampling: {}, roots: { listChanged: true } };

export function initializeMessage(version = '2025-11-25', capabilities: object = CLIENT_CAPABILITIES): object {
    return {
        jsonrpc: '2.0',
        id: 0,
        method: 'initialize',
        params: { protocolVersion: version, capabilities, clientInfo: { name: 'test-client', version: '1.2.3' } }
    };
}

/** Begins a session at one node and confirms it at another (by default the same). @returns the session id. */
export async function begin(
    url: string,
    { at = url, version = '2025-11-25', user }: { at?: string; version?: string; user?: string } = {}
): Promise<string> {
    const answer = await post(url, initializeMessage(version), { user });
    const session = answer.header('mcp-session-id');
    if (answer.status !== 200 || session === undefined) {
        throw new Error(`initialize was answered ${answer.status}: ${JSON.stringify(await answer.json())}`);
    }
    await answer.ended();
    const confirmed = await post(at, { jsonrpc: '2.0', method: 'notifications/initialized' }, { session, version, user });
    if (confirmed.status !== 202) {
        throw new Error(`notifications/initialized was answered ${confirmed.status}: ${JSON.stringify(await confirmed.json())}`);
    }
    return session;
}

let lastId = 100;

/** Posts a `tools/call` and returns its answer as soon as its headers are there. */
export function call(
    url: string,
    session: string,
    name: string,
    args: object = {},
    options: RequestOptions & { id?: string | number; progressToken?: string | number } = {}
): Promise<WireAnswer> {
    const { id = ++lastId, progressToken } = options;
    const meta = progressToken === undefined ? {} : { _meta: { progressToken } };
    return post(
        url,
        { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args, ...meta } },
        { version: '2025-11-25', ...options, session }
    );
}

/** Calls a tool and returns the text of its result, parsed as JSON where it is JSON. */
export async function callTool(
    url: string,
    session: string,
    name: string,
    args: object = {},
    options: RequestOptions = {}
): Promise<unknown> {
    const answer = await call(url, session, name, args, options);
    const isJson = answer.header('content-type') === 'application/json' && answer.status === 200;
    return toolResult(isJson ? await answer.json() : await answer.message(isFinal));
}

export function isFinal(message: WireMessage): boolean {
    return message.result !== undefined || message.error !== undefined;
}

export function toolResult(message: WireMessage): unknown {
    const content = message.result?.['content'];
    const first: unknown = Array.isArray(content) ? content[0] : undefined;
    const text = typeof first === 'object' && first !== null && 'text' in first ? String(first.text) : undefined;
    if (text === undefined) {
        throw new Error(`Not a tool result: ${JSON.stringify(message)}`);
    }
    try {
        return JSON.parse(text);
    } catch {
        return text;
    }
}

import { type JsonRpcMessage, parseMessages } from '../src/http/jsonRpcMessage.ts';

/** Changes an event of a stream: what comes in its place, in order. */
export type EventChange = (event: ServerSentEvent) => readonly ServerSentEvent[];

/** An event of a stream, of which `undefined` parts are absent. */
export interface ServerSentEvent {
    readonly id?: string | undefined;
    readonly data?: string | undefined;
    readonly retry?: string | undefined;
}

export function isEventStream(response: Response): boolean {
    return response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
}

/** The answer with another status. */
export function withStatus(response: Response, status: number): Response {
    return new Response(status === 202 || status === 204 ? null : response.body, { status, headers: response.headers });
}

/** The answer with other headers; `undefined` takes one away. */
export function withResponseHeaders(response: Response, changes: Readonly<Record<string, string | undefined>>): Response {
    const headers = new Headers(response.headers);
    for (const [name, value] of Object.entries(changes)) {
        if (value === undefined) {
            headers.delete(name);
        } else {
            headers.set(name, value);
        }
    }
    return new Response(response.body, { status: response.status, headers });
}

/** Changes each event of an event stream. Other answers stay as they are. @param atEnd what comes after the last one. */
export function changeEvents(response: Response, change: EventChange, atEnd: () => readonly ServerSentEvent[] = () => []): Response {
    if (!isEventStream(response) || response.body === null) {
        return response;
    }
    const decoder = new TextDecoder();
    const encoder = new TextEncoder();
    let buffered = '';
    const body = response.body.pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>({
            transform(chunk, controller) {
                buffered += decoder.decode(chunk, { stream: true });
                const parts = buffered.split('\n\n');
                buffered = parts.pop() ?? '';
                const text = parts
                    .flatMap(part => change(readEvent(part)))
                    .map(writeEvent)
                    .join('');
                if (text !== '') {
                    controller.enqueue(encoder.encode(text));
                }
            },
            flush(controller) {
                controller.enqueue(encoder.encode(atEnd().map(writeEvent).join('')));
            }
        })
    );
    return new Response(body, { status: response.status, headers: response.headers });
}

/** Lets events be put into an event stream while it is open. @param oninserter is given what puts them there; it does nothing later. */
export function withInserter(response: Response, oninserter: (insert: (event: ServerSentEvent) => void) => void): Response {
    if (!isEventStream(response) || response.body === null) {
        return response;
    }
    let isOpen = true;
    const inserting = new TransformStream<Uint8Array, Uint8Array>({
        start(controller) {
            oninserter(event => {
                if (isOpen) {
                    controller.enqueue(new TextEncoder().encode(writeEvent(event)));
                }
            });
        },
        flush() {
            isOpen = false;
        },
        cancel() {
            isOpen = false;
        }
    });
    return new Response(response.body.pipeThrough(inserting), { status: response.status, headers: response.headers });
}

/** Changes each JSON-RPC message of an event stream. An event whose message has nothing in its place is left out. */
export function changeMessages(response: Response, change: (message: JsonRpcMessage) => readonly unknown[]): Response {
    return changeEvents(response, event => {
        const messages = messagesOf(event);
        if (messages.length === 0) {
            return [event];
        }
        return messages.flatMap(change).map(message => ({ ...event, data: JSON.stringify(message) }));
    });
}

/** The JSON-RPC messages that an event holds. */
export function messagesOf({ data }: ServerSentEvent): readonly JsonRpcMessage[] {
    return data === undefined || data === '' ? [] : parseMessages(data);
}

function readEvent(text: string): ServerSentEvent {
    const fields = new Map<string, string>();
    for (const line of text.split('\n')) {
        const [, name = '', value = ''] = /^([^:]*): ?(.*)$/.exec(line) ?? [];
        fields.set(name, name === 'data' && fields.has('data') ? `${fields.get('data')}\n${value}` : value);
    }
    return { id: fields.get('id'), data: fields.get('data'), retry: fields.get('retry') };
}

/** An event without any part was a comment, and becomes one. */
function writeEvent({ id, data, retry }: ServerSentEvent): string {
    const lines = [
        ...(id === undefined ? [] : [`id: ${id}`]),
        ...(retry === undefined ? [] : [`retry: ${retry}`]),
        ...(data === undefined ? [] : [`data: ${data}`])
    ];
    return `${lines.length === 0 ? ': ' : lines.join('\n')}\n\n`;
}

/** Where in a session's streams a client is: the value of an SSE `id` field and of `Last-Event-ID`. */
export interface EventCursor {
    readonly streamId: string;
    /** `undefined`: before the first event. */
    readonly position: string | undefined;
}

export function formatEventId(streamId: string, position: string | number | undefined): string {
    return `${streamId}.${position ?? ''}`;
}

/** @returns `undefined` if the text was never an event id of ours. Whether its stream belongs to the session is for the store to say. */
export function parseEventId(text: string): EventCursor | undefined {
    const match = /^([\w-]{1,64})\.([\x21-\x2d\x2f-\x7e]{0,64})$/.exec(text);
    if (!match?.[1]) {
        return undefined;
    }
    return { streamId: match[1], position: match[2] || undefined };
}

/** Names the streams of requests that run on a node, so that everybody can tell which node writes a stream. */
export class RequestStreamIds {
    private readonly node: string;
    private last = 0;

    constructor(node: string) {
        this.node = node;
    }

    next(): string {
        return `${this.node}-${++this.last}`;
    }
}

/** The node that writes a request's stream, or `undefined` if this is no such stream. */
export function producerOf(streamId: string): string | undefined {
    return /^([0-9a-f]+)-\d+$/.exec(streamId)?.[1];
}

/** Text of server-sent events, see "Server-Sent Events" in the HTML standard. Data is JSON, so it holds no line breaks. */

/** An event that carries one JSON-RPC message. */
export function messageEvent(json: string, eventId?: string): string {
    return eventId === undefined ? `event: message\ndata: ${json}\n\n` : `event: message\nid: ${eventId}\ndata: ${json}\n\n`;
}

/**
 * An event without data. It gives the client an id to resume from before anything was sent, and, if set, how long to wait before it
 * reconnects.
 * @param retryMs in milliseconds.
 */
export function primingEvent(eventId: string, retryMs?: number): string {
    return retryMs === undefined ? `id: ${eventId}\ndata: \n\n` : `id: ${eventId}\nretry: ${retryMs}\ndata: \n\n`;
}

/** A field that only tells the client how long to wait before it reconnects; sent when a stream ends early. */
export function retryHint(retryMs: number): string {
    return `retry: ${retryMs}\n\n`;
}

export const KEEP_ALIVE_COMMENT = ': keepalive\n\n';

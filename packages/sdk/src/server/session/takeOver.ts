import { ErrorCode, type RequestId } from '../http/sdk.js';
import type { EventStreams, StreamRetention } from '../transportStore.js';
import { logMessage, readLogged } from './loggedEvent.js';
import type { StoreCalls } from './storeCalls.js';

/** Numbers of the events that a takeover adds, beyond all that the dead node can have given out. */
const FIRST_TAKEOVER_NUMBER = 2 ** 52;
const PAGE = 500;

/**
 * Ends the stream of a request whose node has died: with an error for each request that it has not answered.
 *
 * The store decides between this node, others that do the same, and the dead node if it comes back: one of them closes the stream.
 * @returns the requests that were answered so, or `undefined` if the stream had been closed before.
 * @throws TransportStoreError
 */
export async function takeOver(
    streams: EventStreams,
    calls: StoreCalls,
    sessionId: string,
    streamId: string,
    retention: StreamRetention
): Promise<readonly RequestId[] | undefined> {
    const unanswered = await readUnanswered(streams, calls, sessionId, streamId);
    if (unanswered === undefined) {
        return undefined;
    }
    const events = unanswered.map((id, index) => ({
        number: FIRST_TAKEOVER_NUMBER + index,
        data: logMessage(
            JSON.stringify({
                jsonrpc: '2.0',
                id,
                error: {
                    code: ErrorCode.InternalError,
                    message: 'The server process that handled this request has stopped; whether the request took effect is unknown'
                }
            })
        )
    }));
    const result = await calls.run(() => streams.append(sessionId, streamId, events, { ...retention, close: true }));
    return result.status === 'ok' ? unanswered : undefined;
}

async function readUnanswered(
    streams: EventStreams,
    calls: StoreCalls,
    sessionId: string,
    streamId: string
): Promise<RequestId[] | undefined> {
    const unanswered = new Set<RequestId>();
    let after: string | undefined;
    for (;;) {
        const page = await calls.run(() => streams.read(sessionId, streamId, after, PAGE));
        if (page.status === 'trimmed') {
            // The dead node is not dead after all, and has written so much that the place was lost.
            return undefined;
        }
        if (page.status === 'unknown' || page.closed) {
            return undefined;
        }
        for (const { data } of page.events) {
            const logged = readLogged(data);
            if (logged?.kind === 'unanswered') {
                unanswered.clear();
                logged.requestIds.forEach(id => unanswered.add(id));
            } else if (logged?.kind === 'message') {
                const id = answeredBy(logged.json);
                if (id !== undefined) {
                    unanswered.delete(id);
                }
            }
        }
        if (page.events.length < PAGE) {
            return [...unanswered];
        }
        after = page.events[page.events.length - 1]?.position;
    }
}

function answeredBy(json: string): RequestId | undefined {
    const message: unknown = JSON.parse(json);
    if (typeof message !== 'object' || message === null || 'method' in message || !('id' in message)) {
        return undefined;
    }
    return typeof message.id === 'string' || typeof message.id === 'number' ? message.id : undefined;
}

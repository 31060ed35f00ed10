import type { EventStore } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';

interface StoredEvent {
    readonly number: number;
    readonly streamId: string;
    readonly message: JSONRPCMessage;
}

/** Events kept of one session. */
const KEPT = 1_000;

/** The cheapest event store that does its work: the newest events of one session, in memory. */
export class RecentEvents implements EventStore {
    private events: StoredEvent[] = [];
    private last = 0;

    storeEvent(streamId: string, message: JSONRPCMessage): Promise<string> {
        const number = ++this.last;
        this.events.push({ number, streamId, message });
        if (this.events.length > 2 * KEPT) {
            this.events = this.events.slice(-KEPT);
        }
        return Promise.resolve(String(number));
    }

    async replayEventsAfter(
        lastEventId: string,
        { send }: { send: (eventId: string, message: JSONRPCMessage) => Promise<void> }
    ): Promise<string> {
        const last = Number(lastEventId);
        const seen = this.events.find(({ number }) => number === last);
        if (seen === undefined) {
            throw new Error('This event is not kept any more');
        }
        for (const { number, streamId, message } of this.events) {
            // Priming events are stored as objects without any field.
            if (number > last && streamId === seen.streamId && Object.keys(message).length > 0) {
                await send(String(number), message);
            }
        }
        return seen.streamId;
    }
}

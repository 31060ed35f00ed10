import type { JSONRPCMessage } from './sdk.js';

/** Names a stream of messages from server to client: that of one POST's answer, or the standalone stream. */
export type StreamId = string;

/** Names an event of a stream. Clients hand it back as `Last-Event-ID`, so it must be unique across all streams of the store. */
export type EventId = string;

/** Keeps the messages of event streams, so that a client that lost its connection can get what it missed. */
export interface EventStore {
    /**
     * Stores an event as the newest of its stream.
     * @param message an object without fields for an event that carries no message and only gives the client an id to resume from.
     * @returns the id that the event was given.
     */
    storeEvent(streamId: StreamId, message: JSONRPCMessage): Promise<EventId>;

    /**
     * The stream of an event, or `undefined` if the event is not known. With it, an unknown `Last-Event-ID` is refused with 400, and a
     * stream that has a reader already with 409. A store without it must cope with unknown ids itself, and the newest reader wins.
     */
    getStreamIdForEventId?(eventId: EventId): Promise<StreamId | undefined>;

    /**
     * Sends the events that follow an event in its stream, oldest first.
     * @param send resolves when the next event may be sent; awaiting it lets a slow reader keep up.
     * @returns the stream, whose further messages go to the same reader.
     */
    replayEventsAfter(
        lastEventId: EventId,
        { send }: { send: (eventId: EventId, message: JSONRPCMessage) => Promise<void> }
    ): Promise<StreamId>;
}

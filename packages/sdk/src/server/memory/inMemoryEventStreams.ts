import { TransientMap } from '../http/transientMap.js';
import {
    type AppendResult,
    type EventStreams,
    type HoldResult,
    type PublishResult,
    type ReadResult,
    type StreamRetention,
    TransportStoreError
} from '../transportStore.js';
import { MemoryStream, type WritingKind } from './memoryStream.js';
import { dropExpiredStreams, type MemorySession, type SessionTable } from './sessionTable.js';

/** {@link EventStreams} of an in-memory store. */
export class InMemoryEventStreams implements EventStreams {
    readonly #table: SessionTable;
    readonly #maxStreamsPerSession: number;

    /** @param maxStreamsPerSession most streams kept of one session. */
    constructor(table: SessionTable, maxStreamsPerSession: number) {
        this.#table = table;
        this.#maxStreamsPerSession = maxStreamsPerSession;
    }

    async append(
        sessionId: string,
        streamId: string,
        events: readonly { readonly number: number; readonly data: string }[],
        options: StreamRetention & { readonly close?: boolean | undefined }
    ): Promise<AppendResult> {
        const session = this.#table.get(sessionId);
        if (session === undefined) {
            return { status: 'missing' };
        }
        const stream = this.#streamToWrite(session, streamId, 'append');
        if (stream.closed) {
            return { status: 'closed' };
        }
        for (const { number, data } of events) {
            stream.add(number, data);
        }
        stream.closed = options.close === true;
        stream.written(this.#table.now(), options);
        return { status: 'ok', holder: stream.holder };
    }

    async publish(sessionId: string, streamId: string, data: readonly string[], retention: StreamRetention): Promise<PublishResult> {
        const session = this.#table.get(sessionId);
        if (session === undefined) {
            return { status: 'missing' };
        }
        const stream = this.#streamToWrite(session, streamId, 'publish');
        const previous = String(stream.newest);
        const positions = data.map(text => {
            session.lastPublished += 1;
            stream.add(session.lastPublished, text);
            return String(session.lastPublished);
        });
        stream.written(this.#table.now(), retention);
        return { status: 'ok', positions, previous, holder: stream.holder };
    }

    async read(sessionId: string, streamId: string, after: string | undefined, limit: number): Promise<ReadResult> {
        const stream = this.#table.get(sessionId)?.streams?.get(streamId);
        if (stream === undefined || (stream.dropExpired(this.#table.now()) && stream.holder === undefined)) {
            return { status: 'unknown' };
        }
        // A position that this store never made leads nowhere, as one that is no longer kept.
        const found = after !== undefined && !/^\d{1,16}$/.test(after) ? undefined : stream.read(toNumber(after), limit);
        return found === undefined ? { status: 'trimmed' } : { status: 'ok', ...found };
    }

    async hold(sessionId: string, streamId: string, holder: string): Promise<HoldResult> {
        const session = this.#table.get(sessionId);
        if (session === undefined) {
            return { status: 'missing' };
        }
        const stream = session.streams?.get(streamId) ?? this.#makeStream(session, streamId);
        const previous = stream.holder;
        stream.holder = holder;
        return { status: 'ok', previous };
    }

    async release(sessionId: string, streamId: string, holder: string, successor?: string): Promise<void> {
        const streams = this.#table.get(sessionId)?.streams;
        const stream = streams?.get(streamId);
        if (streams === undefined || stream?.holder !== holder) {
            return;
        }
        stream.holder = successor;
        if (stream.dropExpired(this.#table.now()) && stream.forgettable) {
            streams.delete(streamId);
        }
    }

    #streamToWrite(session: MemorySession, streamId: string, kind: WritingKind): MemoryStream {
        const stream = session.streams?.get(streamId) ?? this.#makeStream(session, streamId);
        if (stream.kind === undefined) {
            if (kind === 'append') {
                stream.startAppending();
            }
            stream.kind = kind;
        }
        if (stream.kind !== kind) {
            throw new TransportStoreError(
                'STORE_MISUSED',
                'A stream is either appended to by its one producer or published to by many; this one was written in the other way before.'
            );
        }
        stream.dropExpired(this.#table.now());
        session.streams?.moveToEnd(streamId);
        return stream;
    }

    #makeStream(session: MemorySession, streamId: string): MemoryStream {
        const streams = (session.streams ??= new TransientMap<string, MemoryStream>());
        dropExpiredStreams(streams, this.#table.now());
        if (streams.size >= this.#maxStreamsPerSession) {
            evictOne(streams);
        }
        const stream = new MemoryStream(session.lastPublished);
        streams.set(streamId, stream);
        return stream;
    }
}

/** Makes room for a stream at the cost of one that is closed, else of one that nobody reads, and of these the one written longest ago. */
function evictOne(streams: TransientMap<string, MemoryStream>): void {
    let unread: string | undefined;
    let oldest: string | undefined;
    for (const [id, stream] of streams) {
        if (stream.closed) {
            streams.delete(id);
            return;
        }
        oldest ??= id;
        unread ??= stream.holder === undefined ? id : undefined;
    }
    const victim = unread ?? oldest;
    if (victim !== undefined) {
        streams.delete(victim);
    }
}

function toNumber(position: string | undefined): number | undefined {
    return position === undefined ? undefined : Number(position);
}

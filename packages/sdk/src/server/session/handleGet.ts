import type { EventStreamSink, HttpExchange } from '../http/httpExchange.js';
import { primingEvent } from '../http/eventText.js';
import { EVENT_STREAM_HEADERS, FIRST_VERSION_WITH_PRIMING, checkGetAccept, protocolVersionOf } from '../http/requestChecks.js';
import { REFUSED, type Refusal } from '../http/refusal.js';
import { asError } from './asError.js';
import { formatEventId, parseEventId, producerOf, type EventCursor } from './eventIds.js';
import type { LocalSession } from './localSession.js';
import { logUnanswered, readLogged } from './loggedEvent.js';
import type { SessionContext } from './sessionContext.js';
import {
    DRAINING_REFUSAL,
    RefusedError,
    SESSION_NOT_FOUND_REFUSAL,
    checkOpen,
    enter,
    sessionIdOf,
    type SessionService
} from './sessionService.js';
import { noteOfPosition, nodeOfReader, readNote, readerName, type Note } from './streamHolder.js';
import { StreamTail } from './streamTail.js';

let lastReader = 0;

/** How many marks of clients that came at the same time are looked through. */
const MARKS_READ = 100;

/**
 * GET opens the session's standalone stream, or resumes a stream from the event that the client got last.
 * (Streamable HTTP, "Listening for Messages from the Server", "Resumability and Redelivery".)
 *
 * Whatever the stream, it is read from the store, so this works the same on every node, and needs no server object.
 * @throws RefusedError, TransportStoreError, CapacityError
 */
export async function handleGet(service: SessionService, exchange: HttpExchange): Promise<void> {
    const notAcceptable = checkGetAccept(exchange);
    if (notAcceptable) {
        throw new RefusedError(notAcceptable);
    }
    const sessionId = sessionIdOf(exchange);
    if (service.draining) {
        throw new RefusedError(DRAINING_REFUSAL);
    }
    const { settings } = service.context;
    const lastEventId = settings.resumable ? exchange.header('last-event-id') : undefined;
    const cursor = lastEventId ? parseCursor(lastEventId) : undefined;
    const session = await enter(service, sessionId, settings.principal(exchange.authInfo));
    session.entering++;
    try {
        if (cursor) {
            await resume(service, exchange, session, cursor);
        } else {
            await listen(service, exchange, session);
        }
    } finally {
        session.entering--;
    }
}

function parseCursor(lastEventId: string): EventCursor {
    const cursor = parseEventId(lastEventId);
    if (cursor === undefined) {
        throw new RefusedError(UNKNOWN_EVENT_ID);
    }
    return cursor;
}

const UNKNOWN_EVENT_ID: Refusal = {
    status: 400,
    code: REFUSED,
    message: 'Bad Request: Last-Event-ID names no event of this session; open the stream without it'
};

const LOST_EVENTS: Refusal = {
    status: 400,
    code: REFUSED,
    message: 'Bad Request: Events after Last-Event-ID are no longer kept, so the stream can not be resumed without a gap'
};

/** Follows the stream that an event id names, from the event after it on. */
async function resume(service: SessionService, exchange: HttpExchange, session: LocalSession, cursor: EventCursor): Promise<void> {
    const { context } = service;
    const { streamId, position } = cursor;
    const page = await readNextMessage(context, session.id, cursor);
    const isStandalone = streamId === session.record.standaloneStream;
    if (page.status === 'trimmed') {
        throw new RefusedError(LOST_EVENTS);
    }
    // Nobody may have written to the standalone stream yet, or not for a long time; its id is proof enough.
    if (page.status === 'unknown' && !isStandalone) {
        throw new RefusedError(UNKNOWN_EVENT_ID);
    }
    if (page.status === 'ok' && page.closed && page.events.length === 0) {
        // A client that got no result (but an error, or it cancelled) takes any end of a stream for a loss. The SDK's would ask again for
        // ever, and, as an empty stream gives it no id, for the standalone stream. By the HTML standard, 204 tells it to stop.
        exchange.respond(204, { 'mcp-session-id': session.id });
        return;
    }
    const place = await hold(context, session, streamId);
    // The connection may be lost again before anything has come; the SDK's client remembers only ids that it got on this one.
    const priming = isPrimed(exchange) ? formatEventId(streamId, position) : undefined;
    startTail(service, exchange, session, { ...place, streamId, after: position, priming });
}

/** Reads one message after a cursor. Notes that are for other nodes are no messages. */
async function readNextMessage({ streams, calls }: SessionContext, sessionId: string, { streamId, position }: EventCursor) {
    let after = position;
    for (;;) {
        const page = await calls.run(() => streams.read(sessionId, streamId, after, 1));
        const event = page.status === 'ok' ? page.events[0] : undefined;
        if (event === undefined || readLogged(event.data)?.kind === 'message') {
            return page;
        }
        after = event.position;
    }
}

function isPrimed(exchange: HttpExchange): boolean {
    return protocolVersionOf(exchange, undefined) >= FIRST_VERSION_WITH_PRIMING;
}

/** Opens the standalone stream for a client that brings no event id. The newest reader of a session wins. */
async function listen(service: SessionService, exchange: HttpExchange, session: LocalSession): Promise<void> {
    const { context } = service;
    const streamId = session.record.standaloneStream;
    const kept = await positionsIn(context, session.id, streamId);
    const end = kept[kept.length - 1];
    const beginning = end === undefined && isPrimed(exchange) ? await markBeginning(context, session) : undefined;
    const place = await hold(context, session, streamId);
    const note = place.previous === undefined ? { after: undefined } : readNote(place.previous);
    // A client that comes for the first time gets what was kept for it; one that was here before, what came after it left. If its old
    // connection is still held, what was sent there counts as delivered.
    const after = note ? placeOf(note, kept) : end;
    const priming = isPrimed(exchange) ? formatEventId(streamId, after ?? beginning) : undefined;
    startTail(service, exchange, session, { ...place, streamId, after, priming });
}

/**
 * Gives a place in the standalone stream to a client that listens before there is any message. With an id that means only "before the
 * first", nobody could tell later whether the first messages were dropped before the client came back.
 * @returns `undefined` if there are messages, which the client gets now.
 */
async function markBeginning({ streams, calls, settings }: SessionContext, { id, record }: LocalSession): Promise<string | undefined> {
    const stream = record.standaloneStream;
    const published = await calls.run(() => streams.publish(id, stream, [logUnanswered([])], settings.eventRetention));
    if (published.status !== 'ok') {
        throw new RefusedError(SESSION_NOT_FOUND_REFUSAL);
    }
    const mark = published.positions[0];
    const page = await calls.run(() => streams.read(id, stream, undefined, MARKS_READ));
    if (page.status !== 'ok') {
        return undefined;
    }
    const first = page.events.find(({ position, data }) => position === mark || readLogged(data)?.kind === 'message');
    return first?.position === mark ? mark : undefined;
}

/** @param kept positions that are kept, oldest first. */
function placeOf(note: Note, kept: readonly string[]): string | undefined {
    // If the position is kept no more, all that is kept came after it.
    return 'after' in note ? note.after : kept[kept.indexOf(note.from) - 1];
}

async function positionsIn({ streams, calls }: SessionContext, sessionId: string, streamId: string): Promise<string[]> {
    const positions: string[] = [];
    for (;;) {
        const end = positions[positions.length - 1];
        const page = await calls.run(() => streams.read(sessionId, streamId, end, 1_000));
        if (page.status !== 'ok' || page.events.length === 0) {
            return positions;
        }
        positions.push(...page.events.map(({ position }) => position));
    }
}

/** Makes a reader the holder of a stream. */
async function hold(
    { streams, calls, cluster }: SessionContext,
    session: LocalSession,
    streamId: string
): Promise<{ holder: string; previous: string | undefined; displaced: boolean }> {
    const holder = readerName(cluster.id, ++lastReader);
    session.expectReader(holder);
    try {
        const result = await calls.run(() => streams.hold(session.id, streamId, holder));
        if (result.status !== 'ok') {
            throw new RefusedError(SESSION_NOT_FOUND_REFUSAL);
        }
        checkOpen(session);
        return { holder, previous: result.previous, displaced: session.readerArrived(holder) };
    } finally {
        session.readerArrived(holder);
    }
}

interface TailPlan {
    readonly streamId: string;
    readonly after: string | undefined;
    readonly holder: string;
    readonly previous: string | undefined;
    /** A newer reader has come already. */
    readonly displaced: boolean;
    /** Event id that a client can resume from before it has got anything. */
    readonly priming: string | undefined;
}

function startTail({ context }: SessionService, exchange: HttpExchange, session: LocalSession, plan: TailPlan): void {
    const { streams, calls, settings, keepAlive, onerror } = context;
    const { streamId, after, holder, previous, displaced, priming } = plan;
    const sink = exchange.startEventStream({ ...EVENT_STREAM_HEADERS, 'mcp-session-id': session.id });
    const stopKeepAlive = keepAlive.add(sink);
    const tail = new StreamTail({
        sessionId: session.id,
        streamId,
        streams,
        calls,
        sink,
        after,
        outlivesLog: streamId === session.record.standaloneStream,
        withIds: settings.resumable,
        holder,
        onended: ended => {
            session.tails.delete(holder);
            stopKeepAlive();
            leave(context, session, ended);
        },
        onerror
    });
    session.tails.set(holder, tail);
    displacePrevious(context, session, streamId, previous);
    if (settings.resumable && priming !== undefined) {
        writePriming(sink, priming, settings.retryInterval);
    }
    if (displaced) {
        tail.end();
    } else {
        tail.wake();
    }
}

function writePriming(sink: EventStreamSink, eventId: string, retryMs: number | undefined): void {
    sink.write(primingEvent(eventId, retryMs));
}

/** Whoever sent the stream so far must not go on sending what the new reader sends. */
function displacePrevious(context: SessionContext, session: LocalSession, streamId: string, previous: string | undefined): void {
    const { cluster } = context;
    const reader = previous === undefined ? undefined : nodeOfReader(previous);
    const node = reader ?? producerOf(streamId);
    const holder = reader === undefined ? undefined : previous;
    if (node === cluster.id) {
        session.displaced(streamId, holder);
    } else if (node !== undefined) {
        cluster.tell(node, { kind: 'displaced', session: session.id, stream: streamId, holder });
    }
}

/** Leaves a note of how far the client came with the standalone stream, unless a newer reader holds it. */
function leave({ streams, calls, onerror }: SessionContext, session: LocalSession, tail: StreamTail): void {
    if (session.closed) {
        return;
    }
    const note = producerOf(tail.streamId) === undefined ? noteOfPosition(tail.delivered) : undefined;
    calls.run(() => streams.release(session.id, tail.streamId, tail.holder, note)).catch(error => onerror(asError(error)));
}

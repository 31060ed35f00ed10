import { isDeepStrictEqual } from 'node:util';
import { jsonRpcMessage, isRequest, isResponse, type JsonRpcMessage, type RequestId } from '../http/jsonRpcMessage.ts';
import { announcementIn, askedText, cancelledId, progressIn, toolCalled, valueAnswered } from './contents.ts';
import type { HistoryEvent } from './historyEvent.ts';

/** Something in a history that a server that conforms does not do. */
export interface Violation {
    readonly rule:
        'one-answer' | 'session-lost' | 'own-session-only' | 'once-and-in-order' | 'nothing-lost' | 'deleted-is-deleted' | 'ends';
    readonly op: number;
    readonly what: string;
}

/** What begins and ends with one HTTP request. Places are indexes of the history. */
interface Operation {
    readonly op: number;
    readonly begun: number;
    readonly session: string | undefined;
    readonly method: string;
    readonly lastEventId: string | undefined;
    readonly sent: readonly JsonRpcMessage[];
    readonly arrived: {
        readonly place: number;
        readonly at: number;
        readonly eventId: string | undefined;
        readonly message: JsonRpcMessage;
    }[];
    status: number | undefined;
    answered: number | undefined;
    answeredAt: number | undefined;
    outcome: string | undefined;
    endedAt: number | undefined;
}

/**
 * Finds what must not be in a history, whatever was done to the nodes meanwhile. What was not finished because a client gave up, or a
 * connection failed, is taken for undecided: it may have happened or not.
 */
export function checkHistory(events: readonly HistoryEvent[]): Violation[] {
    const operations = readOperations(events);
    return [
        ...checkAnswers(operations),
        ...checkSessions(operations),
        ...checkOwnSession(operations),
        ...checkOrder(operations),
        ...checkLost(operations),
        ...checkDeleted(operations),
        ...checkEnds(operations)
    ];
}

function readOperations(events: readonly HistoryEvent[]): Operation[] {
    const operations = new Map<number, Operation>();
    events.forEach((event, place) => {
        if (event.type === 'invoke') {
            const sent = (event.messages ?? []).flatMap(message => jsonRpcMessage.safeParse(message).data ?? []);
            const { op, session, method, lastEventId } = event;
            const open = { status: undefined, answered: undefined, answeredAt: undefined, outcome: undefined, endedAt: undefined };
            operations.set(op, { op, begun: place, session, method, lastEventId, sent, arrived: [], ...open });
            return;
        }
        const operation = 'op' in event ? operations.get(event.op) : undefined;
        if (operation === undefined) {
            return;
        }
        if (event.type === 'response') {
            operation.status = event.status;
            operation.answered = place;
            operation.answeredAt = event.at;
        } else if (event.type === 'message') {
            const message = jsonRpcMessage.safeParse(event.message).data;
            if (message !== undefined) {
                operation.arrived.push({ place, at: event.at, eventId: event.eventId, message });
            }
        } else if (event.type === 'complete') {
            operation.outcome = event.outcome;
            operation.endedAt = event.at;
        }
    });
    return [...operations.values()];
}

/** Operations of each session, in the order in which they began. */
function bySession(operations: readonly Operation[]): Map<string, Operation[]> {
    const sessions = new Map<string, Operation[]>();
    for (const operation of operations) {
        if (operation.session !== undefined) {
            sessions.set(operation.session, [...(sessions.get(operation.session) ?? []), operation]);
        }
    }
    return sessions;
}

/** Whether a connection had to get something that another has got, since it went on from an event before it. */
function isReplay(arrival: Operation['arrived'][number], earlier: Operation, later: Operation): boolean {
    const from = earlier.arrived.findIndex(({ eventId }) => eventId !== undefined && eventId === later.lastEventId);
    const seen = earlier.arrived.findIndex(({ eventId }) => eventId !== undefined && eventId === arrival.eventId);
    return seen >= 0 && (from < 0 || from < seen) && arrival.eventId !== later.lastEventId;
}

function checkAnswers(operations: readonly Operation[]): Violation[] {
    return [...bySession(operations).values()].flatMap(ofSession => {
        const first = new Map<RequestId, { operation: Operation; arrival: Operation['arrived'][number] }>();
        const violations: Violation[] = [];
        for (const operation of ofSession) {
            for (const arrival of operation.arrived.filter(({ message }) => isResponse(message))) {
                const { id } = arrival.message;
                if (id === undefined || id === null) {
                    continue;
                }
                const before = first.get(id);
                if (before === undefined) {
                    first.set(id, { operation, arrival });
                } else if (!isDeepStrictEqual(before.arrival.message, arrival.message)) {
                    violations.push({
                        rule: 'one-answer',
                        op: operation.op,
                        what: `Request ${JSON.stringify(id)} has got two different responses`
                    });
                } else if (before.operation === operation || !isReplay(arrival, before.operation, operation)) {
                    violations.push({
                        rule: 'one-answer',
                        op: operation.op,
                        what: `Request ${JSON.stringify(id)} has got its response twice`
                    });
                }
            }
        }
        return violations;
    });
}

function isDeletion({ method, status }: Operation): boolean {
    return method === 'DELETE' && status !== undefined && status >= 200 && status < 300;
}

/** A session that nobody tried to delete is known everywhere; and what can't be served now is refused as such. */
function checkSessions(operations: readonly Operation[]): Violation[] {
    return [...bySession(operations).values()].flatMap(ofSession =>
        ofSession.flatMap(({ op, status, answered, method, lastEventId }): Violation[] => {
            const mayBeGone = ofSession.some(other => other.method === 'DELETE' && other.begun < (answered ?? 0));
            const request = `${method}${lastEventId === undefined ? '' : ' with Last-Event-ID'}`;
            if (status === 404 && !mayBeGone) {
                return [{ rule: 'session-lost', op, what: `${request} in a session that lives was answered with 404` }];
            }
            if (status !== undefined && status >= 500 && status !== 503) {
                return [{ rule: 'session-lost', op, what: `${request} was answered with ${status}, which tells the client nothing` }];
            }
            return [];
        })
    );
}

/** Everything that comes belongs to something that its session has sent. */
function checkOwnSession(operations: readonly Operation[]): Violation[] {
    const owners = new Map<string, string | undefined>();
    for (const { session, sent } of operations) {
        sent.flatMap(keysOfSent).forEach(key => owners.set(key, session));
    }
    return operations.flatMap(({ op, session, arrived }) =>
        arrived.flatMap(({ message }): Violation[] => {
            const key = keyOfArrived(message);
            return key === undefined || !owners.has(key) || owners.get(key) === session
                ? []
                : [{ rule: 'own-session-only', op, what: `${key} belongs to another session` }];
        })
    );
}

/** Names of what may come back; all of them differ between sessions. */
function keysOfSent(message: JsonRpcMessage): string[] {
    const call = toolCalled(message);
    if (!isRequest(message)) {
        return [];
    }
    return [
        `The response to ${JSON.stringify(message.id)}`,
        ...(call?.progressToken === undefined ? [] : [`Progress of ${call.progressToken}`]),
        ...(call?.name === 'announce' && call.text !== undefined ? [`Announcement ${call.text}`] : []),
        ...(call?.name === 'ask' && call.text !== undefined ? [`Question ${call.text}`] : [])
    ];
}

function keyOfArrived(message: JsonRpcMessage): string | undefined {
    if (isResponse(message)) {
        return `The response to ${JSON.stringify(message.id)}`;
    }
    const progress = progressIn(message);
    const announcement = announcementIn(message);
    const question = askedText(message);
    return progress !== undefined
        ? `Progress of ${progress.token}`
        : announcement !== undefined
          ? `Announcement ${announcement.text}`
          : question !== undefined
            ? `Question ${question}`
            : undefined;
}

/** Numbered messages of one producer come in their order, without gap, and once. */
function checkOrder(operations: readonly Operation[]): Violation[] {
    return [...bySession(operations).values()].flatMap(ofSession => {
        const last = new Map<string, number>();
        const events = new Set<string>();
        const violations: Violation[] = [];
        for (const { operation, eventId, message } of inOrder(ofSession)) {
            const numbered = numberOf(message);
            if (numbered === undefined) {
                continue;
            }
            const { key, number, first } = numbered;
            const expected = (last.get(key) ?? first - 1) + 1;
            const isRepeated = eventId !== undefined && events.has(eventId);
            if (number !== expected) {
                const how = isRepeated || number < expected ? 'came again' : `came without ${expected}`;
                violations.push({ rule: 'once-and-in-order', op: operation.op, what: `Number ${number} of ${key} ${how}` });
            }
            last.set(key, Math.max(number, expected - 1));
            if (eventId !== undefined) {
                events.add(eventId);
            }
        }
        return violations;
    });
}

function inOrder(operations: readonly Operation[]) {
    return operations
        .flatMap(operation => operation.arrived.map(arrival => ({ operation, ...arrival })))
        .toSorted((one, other) => one.place - other.place);
}

function numberOf(message: JsonRpcMessage): { key: string; number: number; first: number } | undefined {
    const progress = progressIn(message);
    if (progress !== undefined) {
        return { key: `the progress of ${progress.token}`, number: progress.progress, first: 1 };
    }
    const announcement = announcementIn(message);
    return announcement === undefined ? undefined : { key: `announcement ${announcement.text}`, number: announcement.i, first: 0 };
}

/** Who has heard something that was announced later has heard all that was announced, with success, before. And answers reach who asked. */
function checkLost(operations: readonly Operation[]): Violation[] {
    return [...bySession(operations).values()].flatMap(ofSession => {
        const responses = new Map(
            inOrder(ofSession).flatMap(({ message, place }) => (isResponse(message) ? [[message.id, { message, place }]] : []))
        );
        const heard = new Set(inOrder(ofSession).flatMap(({ message }) => announcementIn(message)?.text ?? []));
        const calls = ofSession.flatMap(operation =>
            operation.sent.flatMap(message => {
                const call = toolCalled(message);
                const response = responses.get(message.id);
                return call?.text === undefined || response?.message.result === undefined
                    ? []
                    : [{ operation, call, text: call.text, response }];
            })
        );
        const announced = calls.filter(({ call }) => call.name === 'announce' && call.count > 0);
        const lost = announced
            .filter(({ text }) => !heard.has(text))
            .filter(({ response }) => announced.some(later => heard.has(later.text) && later.operation.begun > response.place))
            .map(({ operation, text }): Violation => ({
                rule: 'nothing-lost',
                op: operation.op,
                what: `Announcement ${text} never came, and later ones did`
            }));
        const wrong = calls.flatMap(({ operation, call, text, response }): Violation[] => {
            const value = call.name === 'ask' ? valueAnswered(response.message) : undefined;
            return value === undefined || value === `re: ${text}`
                ? []
                : [{ rule: 'own-session-only', op: operation.op, what: `Question ${text} got the answer ${value}` }];
        });
        return [...lost, ...wrong];
    });
}

/** Time that nodes have to learn that a session was deleted, and some more. */
const deletionSpreadsWithinMs = 4_000;

function checkDeleted(operations: readonly Operation[]): Violation[] {
    return [...bySession(operations).values()].flatMap(ofSession => {
        const deletion = ofSession.find(isDeletion);
        if (deletion === undefined) {
            return [];
        }
        const { answered = 0, answeredAt = 0 } = deletion;
        return ofSession.flatMap(({ op, begun, status, method, arrived }): Violation[] => {
            if (begun > answered && status !== undefined && status < 300) {
                return [{ rule: 'deleted-is-deleted', op, what: `${method} in a deleted session was answered with ${status}` }];
            }
            return arrived.some(({ at }) => at > answeredAt + deletionSpreadsWithinMs)
                ? [{ rule: 'deleted-is-deleted', op, what: 'A stream of a deleted session went on' }]
                : [];
        });
    });
}

/** A request that was accepted comes to an end: on its own stream, or on one that goes on with it. */
function checkEnds(operations: readonly Operation[]): Violation[] {
    return [...bySession(operations).values()].flatMap(ofSession => {
        if (ofSession.some(({ method }) => method === 'DELETE')) {
            return [];
        }
        const cancelled = new Set(ofSession.flatMap(({ sent }) => sent.map(cancelledId)));
        const answered = new Set(
            ofSession.flatMap(({ arrived }) => arrived.flatMap(({ message }) => (isResponse(message) ? message.id : [])))
        );
        return ofSession.flatMap((operation): Violation[] =>
            operation.sent
                .filter(isRequest)
                .filter(({ id }) => operation.status === 200 && !cancelled.has(id) && !answered.has(id))
                .filter(() => isLeftOpen(chainOf(operation, ofSession)))
                .map(({ id }) => ({
                    rule: 'ends',
                    op: operation.op,
                    what: `Request ${JSON.stringify(id)} was cut off, and never answered`
                }))
        );
    });
}

/** An operation and those that went on with its stream. */
function chainOf(operation: Operation, ofSession: readonly Operation[]): Operation[] {
    const chain = [operation];
    const ids = new Set<string | undefined>();
    for (const each of ofSession.filter(({ begun }) => begun >= operation.begun)) {
        if (each === operation || (each.lastEventId !== undefined && ids.has(each.lastEventId))) {
            each.arrived.forEach(({ eventId }) => ids.add(eventId));
            if (each !== operation) {
                chain.push(each);
            }
        }
    }
    return chain;
}

/** Time that a server has to end a request whose node is gone; a client that has waited for longer has not given up too early. */
const orphanEndsWithinMs = 15_000 + 3_000;

/** Whether a client has done all that it can to get an answer. */
function isLeftOpen(chain: readonly Operation[]): boolean {
    const last = chain.at(-1);
    if (last?.status === undefined) {
        return false;
    }
    const { status, outcome, answeredAt = 0, endedAt = answeredAt, arrived, lastEventId } = last;
    if (status === 200 && outcome === 'ok') {
        // The server has ended the stream itself, and left nothing from which to go on, or went on with nothing.
        return lastEventId !== undefined || arrived.every(({ eventId }) => eventId === undefined);
    }
    if (status === 200 && outcome === 'closed-by-client') {
        return lastEventId !== undefined && endedAt - answeredAt >= orphanEndsWithinMs;
    }
    return status >= 400 && status < 500;
}

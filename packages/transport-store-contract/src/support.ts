import assert from 'node:assert/strict';
import type {
    EventStreams,
    NewSession,
    SessionRecords,
    StoredSession,
    StreamEvent,
    StreamRetention,
    TransportStore
} from '@modelcontextprotocol/sdk/server/transportStore.js';
import { eventually } from './waiting.js';

/** Lifetime in milliseconds that no case outlives. */
export const longMs = 120_000;
/** Lifetime in milliseconds that cases wait for to end. */
export const shortMs = 300;

/** Retention that neither ends nor trims during a case. */
export const keepAll: StreamRetention = { ttlMs: longMs, maxEvents: 100_000 };

/** A session that lives longer than the case, with the given fields replaced. */
export function newSession(fields: Partial<NewSession> = {}): NewSession {
    return { record: 'record', state: {}, ttlMs: longMs, ...fields };
}

/** Creates a session that must not exist yet, see {@link newSession}. */
export async function createSession({ sessions }: TransportStore, id: string, fields: Partial<NewSession> = {}): Promise<void> {
    assert.equal(await sessions.create(id, newSession(fields)), true, 'create must answer true for an id that no session has');
}

/** The answer, if its status is `ok`. */
export function ok<Answer extends { readonly status: string }>(answer: Answer, what: string): Extract<Answer, { readonly status: 'ok' }> {
    if (!isOk(answer)) {
        assert.fail(`${what} must answer the status "ok", not "${answer.status}"`);
    }
    return answer;
}

function isOk<Answer extends { readonly status: string }>(answer: Answer): answer is Extract<Answer, { readonly status: 'ok' }> {
    return answer.status === 'ok';
}

/** Checks that an operation answered with a certain status. */
export function hasStatus(answer: { readonly status: string }, status: string, what: string): void {
    assert.equal(answer.status, status, `${what} must answer the status "${status}"`);
}

/** Opens a session as nobody and as no node. */
export async function openSession(sessions: SessionRecords, id: string, principal?: string): Promise<StoredSession> {
    return ok(await sessions.open(id, { principal, ttlMs: 1 }), 'open').session;
}

/** Compares state without regard to its prototype and to the order of its fields. */
export function equalState(actual: Readonly<Record<string, string>>, expected: Readonly<Record<string, string>>, what: string): void {
    assert.deepEqual(new Map(Object.entries(actual).sort(byName)), new Map(Object.entries(expected).sort(byName)), what);
}

function byName([a]: [string, string], [b]: [string, string]): number {
    return a < b ? -1 : 1;
}

/** Compares what is to be taken as a set. */
export function equalSet(actual: readonly string[], expected: readonly string[], what: string): void {
    assert.deepEqual([...actual].sort(), [...expected].sort(), what);
}

/** Resolves when a session that was created with a node is gone, without renewing it. */
export async function expiry({ sessions }: TransportStore, id: string): Promise<void> {
    await eventually('the session has expired', async () => (await sessions.nodes(id)).length === 0);
}

/**
 * Runs steps that only prove something if they all happen within a time. On a machine that stood still for longer meanwhile they are
 * run anew, whatever came out.
 *
 * @param steps work on sessions, streams and nodes of their own each time.
 */
export async function within<Result>(ms: number, steps: () => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
        const start = Date.now();
        const outcome = await steps().then(
            result => () => result,
            (error: unknown) => () => {
                throw error;
            }
        );
        if (Date.now() - start < ms) {
            return outcome();
        }
        if (attempt === 20) {
            throw new Error(`A few operations of the store never finished within ${ms} ms, which this case needs.`);
        }
    }
}

/** Numbers from 0 to `count` - 1. */
export function range(count: number): readonly number[] {
    return Array.from({ length: count }, (_, index) => index);
}

/** Events of a stream with one producer. */
export function numbered(numbers: readonly number[]): { readonly number: number; readonly data: string }[] {
    return numbers.map(number => ({ number, data: `event ${number}` }));
}

/** Pages through what is in a stream now. */
export async function readAll(
    streams: EventStreams,
    sessionId: string,
    streamId: string,
    { after, limit = 1000 }: { after?: string | undefined; limit?: number } = {}
): Promise<{ readonly events: readonly StreamEvent[]; readonly closed: boolean }> {
    const events: StreamEvent[] = [];
    const seen = new Set<string>();
    for (;;) {
        const page = ok(await streams.read(sessionId, streamId, events.at(-1)?.position ?? after, limit), 'read');
        assert.ok(page.events.length <= limit, `read must return at most ${limit} events, not ${page.events.length}`);
        for (const event of page.events) {
            // Also ends the loop for a store that returns the same page again and again.
            assert.ok(!seen.has(event.position), `read must return each event once, but returned ${event.position} again`);
            seen.add(event.position);
            events.push(event);
        }
        if (page.closed || page.events.length === 0) {
            return { events, closed: page.closed };
        }
    }
}

/** The data of all events in a stream. */
export async function readData(streams: EventStreams, sessionId: string, streamId: string): Promise<readonly string[]> {
    return (await readAll(streams, sessionId, streamId)).events.map(({ data }) => data);
}

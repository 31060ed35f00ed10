/** Checkers of histories: they find what must not be, and nothing in what may be. */
import { describe, expect, it } from 'vitest';
import { checkHistory, type Violation } from '../src/history/checkHistory.ts';
import { formatHistory, parseHistory } from '../src/history/historyFile.ts';
import type { HistoryEvent } from '../src/history/historyEvent.ts';

type Message = Record<string, unknown>;

/** Writes a history down as it could have happened. Each event is a millisecond after the one before, unless time passes. */
class Story {
    readonly events: HistoryEvent[] = [];
    private now = 0;
    private ops = 0;

    wait(ms: number): this {
        this.now += ms;
        return this;
    }

    invoke(session: string, method: 'POST' | 'GET' | 'DELETE', more: { messages?: Message[]; lastEventId?: string } = {}): number {
        const op = ++this.ops;
        this.events.push({ type: 'invoke', at: this.now++, op, session, node: 'node-1', method, ...more });
        return op;
    }

    respond(op: number, status = 200): this {
        this.events.push({ type: 'response', at: this.now++, op, status, answeredBy: 'node-1' });
        return this;
    }

    arrive(op: number, message: Message, eventId?: string): this {
        this.events.push({
            type: 'message',
            at: this.now++,
            op,
            message: { jsonrpc: '2.0', ...message },
            ...(eventId === undefined ? {} : { eventId })
        });
        return this;
    }

    end(op: number, outcome: 'ok' | 'failed' | 'timeout' | 'closed-by-client' = 'ok'): this {
        this.events.push({ type: 'complete', at: this.now++, op, outcome });
        return this;
    }

    /** Sends a request that is accepted. */
    call(session: string, id: number, params: Message = { name: 'whoami' }): number {
        const op = this.invoke(session, 'POST', { messages: [{ jsonrpc: '2.0', id, method: 'tools/call', params }] });
        this.respond(op);
        return op;
    }

    /** Goes on with a stream. */
    resume(session: string, lastEventId: string): number {
        const op = this.invoke(session, 'GET', { lastEventId });
        this.respond(op);
        return op;
    }

    listen(session: string): number {
        const op = this.invoke(session, 'GET');
        this.respond(op);
        return op;
    }

    delete(session: string, status = 200): this {
        const op = this.invoke(session, 'DELETE');
        return this.respond(op, status).end(op);
    }

    get rules(): Violation['rule'][] {
        return checkHistory(this.events).map(({ rule }) => rule);
    }
}

const result = (id: number, text = 'done'): Message => ({ id, result: { content: [{ type: 'text', text }] } });
const failure = (id: number): Message => ({ id, error: { code: -32_603, message: 'gone' } });
const announcement = (text: string, i: number): Message => ({
    method: 'notifications/message',
    params: { level: 'info', data: { text, i, node: 'node-1' } }
});
const progress = (token: string, step: number): Message => ({
    method: 'notifications/progress',
    params: { progressToken: token, progress: step }
});
const sleep = (token: string): Message => ({ name: 'sleep', arguments: { ms: 10, steps: 3 }, _meta: { progressToken: token } });
const announce = (text: string, count = 1): Message => ({ name: 'announce', arguments: { text, count } });
const ask = (text: string): Message => ({ name: 'ask', arguments: { kind: 'elicitation', text } });

describe('answers', () => {
    it('may be one', () => {
        const story = new Story();
        const op = story.call('a', 1);
        expect(story.arrive(op, result(1), 'e1').end(op).rules).toEqual([]);
    });

    it('must not be two', () => {
        const story = new Story();
        const op = story.call('a', 1);
        expect(story.arrive(op, result(1), 'e1').arrive(op, result(1), 'e2').end(op).rules).toEqual(['one-answer']);
    });

    it('may be seen again by who resumes from an event before', () => {
        const story = new Story();
        const op = story.call('a', 1, sleep('t'));
        story.arrive(op, progress('t', 1), 'e1').arrive(op, result(1), 'e2').end(op);
        const again = story.resume('a', 'e1');
        expect(story.arrive(again, result(1), 'e2').end(again).rules).toEqual([]);
    });

    it('must not be seen again by who resumes from behind them', () => {
        const story = new Story();
        const op = story.call('a', 1);
        story.arrive(op, result(1), 'e1').end(op);
        const again = story.resume('a', 'e1');
        expect(story.arrive(again, result(1), 'e2').end(again).rules).toEqual(['one-answer']);
    });

    it('must not change', () => {
        const story = new Story();
        const op = story.call('a', 1, sleep('t'));
        story.arrive(op, progress('t', 1), 'e1').arrive(op, result(1), 'e2').end(op);
        const again = story.resume('a', 'e1');
        expect(story.arrive(again, failure(1), 'e2').end(again).rules).toEqual(['one-answer']);
    });

    it('must be what the client has answered', () => {
        const story = new Story();
        const [right, wrong] = [story.call('a', 1, ask('one?')), story.call('a', 2, ask('two?'))];
        const answer = (value: string) => JSON.stringify({ node: 'node-1', answer: { action: 'accept', content: { value } } });
        story.arrive(right, result(1, answer('re: one?'))).end(right);
        expect(story.arrive(wrong, result(2, answer('re: one?'))).end(wrong).rules).toEqual(['own-session-only']);
    });
});

describe('what was cut off', () => {
    function cutOff() {
        const story = new Story();
        const op = story.call('a', 1, sleep('t'));
        return story.arrive(op, progress('t', 1), 'e1').end(op, 'failed');
    }

    it('may end with an error when it is resumed', () => {
        const story = cutOff();
        const op = story.resume('a', 'e1');
        expect(story.arrive(op, failure(1), 'e2').end(op).rules).toEqual([]);
    });

    it('is undecided if the client does not resume it', () => {
        expect(cutOff().rules).toEqual([]);
    });

    it('is undecided if nobody can be reached', () => {
        const story = cutOff();
        story.end(story.invoke('a', 'GET', { lastEventId: 'e1' }), 'timeout');
        expect(story.rules).toEqual([]);
    });

    it('must not end without an answer', () => {
        const story = cutOff();
        expect(story.end(story.resume('a', 'e1')).rules).toEqual(['ends']);
    });

    it('must not stay open', () => {
        const story = cutOff();
        const op = story.resume('a', 'e1');
        expect(story.wait(20_000).end(op, 'closed-by-client').rules).toEqual(['ends']);
    });

    it('must not be refused', () => {
        const story = cutOff();
        const op = story.invoke('a', 'GET', { lastEventId: 'e1' });
        expect(story.respond(op, 400).end(op).rules).toEqual(['ends']);
    });

    it('may be left alone if it was cancelled', () => {
        const story = new Story();
        const op = story.call('a', 1);
        const cancellation = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } };
        story.respond(story.invoke('a', 'POST', { messages: [cancellation] }), 202);
        expect(story.end(op).rules).toEqual([]);
    });

    it('must not be a request that simply got no answer', () => {
        const story = new Story();
        expect(story.end(story.call('a', 1)).rules).toEqual(['ends']);
    });
});

describe('sessions', () => {
    it.each([404, 500, 502])('that live must not be answered with %i', status => {
        const story = new Story();
        const op = story.invoke('a', 'POST', { messages: [{ jsonrpc: '2.0', id: 1, method: 'ping' }] });
        expect(story.respond(op, status).end(op).rules).toEqual(['session-lost']);
    });

    it('that live may be answered with 503', () => {
        const story = new Story();
        const op = story.invoke('a', 'POST', { messages: [{ jsonrpc: '2.0', id: 1, method: 'ping' }] });
        expect(story.respond(op, 503).end(op).rules).toEqual([]);
    });

    it.each(['failed', 'timeout'] as const)('may or may not be deleted by a DELETE that has %s', outcome => {
        for (const status of [200, 404]) {
            const story = new Story();
            story.end(story.invoke('a', 'DELETE'), outcome);
            const op = story.invoke('a', 'POST', { messages: [{ jsonrpc: '2.0', id: 1, method: 'ping' }] });
            story.respond(op, status);
            expect((status === 200 ? story.arrive(op, { id: 1, result: {} }) : story).end(op).rules).toEqual([]);
        }
    });

    it('that are deleted must not be served', () => {
        const story = new Story().delete('a');
        const op = story.call('a', 1);
        expect(story.arrive(op, result(1)).end(op).rules).toEqual(['deleted-is-deleted']);
    });

    it('that are deleted are not those beside them', () => {
        const story = new Story().delete('a');
        const op = story.call('b', 1);
        expect(story.arrive(op, result(1)).end(op).rules).toEqual([]);
    });

    it('that are deleted must not go on with their streams for long', () => {
        const story = new Story();
        const op = story.listen('a');
        story.delete('a').arrive(op, announcement('soon', 0));
        expect(story.rules).toEqual([]);
        expect(story.wait(10_000).arrive(op, announcement('late', 0)).rules).toEqual(['deleted-is-deleted']);
    });

    it.each([
        ['response', result(1)],
        ['progress', progress('t', 1)],
        ['announcement', announcement('mine', 0)],
        ['question', { id: 9, method: 'elicitation/create', params: { message: 'mine?' } }]
    ])('must not get the %s of another', (_, message) => {
        const story = new Story();
        story.end(story.call('a', 1, sleep('t')), 'failed');
        story.end(story.call('a', 2, announce('mine')), 'failed');
        story.end(story.call('a', 3, ask('mine?')), 'failed');
        expect(story.arrive(story.listen('b'), message).rules).toEqual(['own-session-only']);
    });
});

describe('numbered messages', () => {
    const orders: [string, number[], boolean][] = [
        ['once and in order', [0, 1, 2, 3], true],
        ['not to the end', [0, 1], true],
        ['twice', [0, 1, 1, 2], false],
        ['all over again', [0, 1, 0, 1], false],
        ['with a gap', [0, 2, 3], false],
        ['without the first', [1, 2], false],
        ['in another order', [0, 2, 1, 3], false]
    ];

    it.each(orders)('that come %s', (_, numbers, isSound) => {
        for (const cut of numbers.keys()) {
            // Wherever the connection breaks, it is the same stream.
            const story = new Story();
            let op = story.listen('a');
            numbers.forEach((number, index) => {
                if (index === cut && cut > 0) {
                    op = story.end(op, 'failed').resume('a', `e${index - 1}`);
                }
                story.arrive(op, announcement('text', number), `e${index}`);
            });
            expect(story.rules.every(rule => rule === 'once-and-in-order')).toBe(true);
            expect(story.rules.length === 0).toBe(isSound);
        }
    });

    it('of several producers may come in any order', () => {
        const story = new Story();
        const op = story.listen('a');
        for (const [text, i] of [
            ['one', 0],
            ['two', 0],
            ['two', 1],
            ['one', 1]
        ] as const) {
            story.arrive(op, announcement(text, i));
        }
        expect(story.rules).toEqual([]);
    });

    it('must not be lost when later ones came', () => {
        const heard = (texts: string[]) => {
            const story = new Story();
            const listening = story.listen('a');
            for (const [index, text] of ['first', 'second'].entries()) {
                const op = story.call('a', index, announce(text));
                story.arrive(op, result(index)).end(op);
            }
            texts.forEach(text => story.arrive(listening, announcement(text, 0)));
            return story.rules;
        };
        expect(heard(['first', 'second'])).toEqual([]);
        expect(heard(['first'])).toEqual([]);
        expect(heard([])).toEqual([]);
        expect(heard(['second'])).toEqual(['nothing-lost']);
    });
});

it('a history is the same when it was written and read', () => {
    const story = new Story();
    const op = story.call('a', 1, sleep('t'));
    story.arrive(op, progress('t', 1), 'e1').end(op, 'failed').delete('a', 204);
    const events: HistoryEvent[] = [
        ...story.events,
        { type: 'fault', at: 5, fault: 'kill-node', node: 'node-1', phase: 'begin' },
        { type: 'note', at: 6, text: 'a remark' }
    ];
    expect(parseHistory(formatHistory(events))).toEqual(events);
    expect(() => parseHistory('{"type":"nonsense"}')).toThrow('Line 1 is no event');
});

import { randomBytes } from 'node:crypto';
import {
    type AppendResult,
    type EventStreams,
    type HoldResult,
    type PublishResult,
    type ReadResult,
    type StreamEvent,
    type StreamRetention,
    TransportStoreError
} from '@modelcontextprotocol/sdk/server/transportStore.js';
import { checkedCount, checkedDuration } from './arguments.js';
import type { KeyLayout } from './keys.js';
import { OrderedBatches } from './orderedBatches.js';
import type { RedisCommands } from './redisCommands.js';
import { arrayOf, integerOf, optionalTextOf, pairsOf, textOf, textsOf, unexpectedReply } from './replies.js';
import { appendEvents, holdStream, publishEvents, readEvents, releaseStream } from './scripts/streamScripts.js';

interface StreamName {
    readonly sessionId: string;
    readonly streamId: string;
}

interface Retention {
    readonly ttl: string;
    readonly maxEvents: string;
}

interface Append extends StreamName {
    readonly retention: Retention;
    /** Number and data of each event. */
    readonly events: readonly string[];
    readonly close: boolean;
}

interface Publication extends StreamName {
    readonly retention: Retention;
    readonly data: readonly string[];
}

/** Answers of the scripts. */
const answer = { missing: 0, ok: 1, closed: 2, trimmed: 3 } as const;

/** Positions are Redis' ids of entries, but of appended events only the first half. */
const appendedId = /^(\d{1,16})-1$/;
const position = /^\d{1,16}(-\d{1,16})?$/;

/** {@link EventStreams} in Redis. */
export class RedisEventStreams implements EventStreams {
    readonly #redis: RedisCommands;
    readonly #keys: KeyLayout;
    readonly #maxStreams: string;
    readonly #appends = new OrderedBatches<Append, AppendResult>({
        run: (_lane, appends) => this.#append(appends),
        textsOf: ({ events }) => events,
        mayJoin: (previous, next) => !previous.close && haveSameRetention(previous, next),
        // Written in spite of a failure in front of them, events would make the missing ones look like repeated ones when those are
        // appended again.
        failsBehind: true
    });
    readonly #publications = new OrderedBatches<Publication, PublishResult>({
        run: (_lane, publications) => this.#publish(publications),
        textsOf: ({ data }) => data,
        mayJoin: haveSameRetention,
        failsBehind: false
    });

    /** @param maxStreams most streams of a session that are kept. */
    constructor(redis: RedisCommands, keys: KeyLayout, maxStreams: number) {
        this.#redis = redis;
        this.#keys = keys;
        this.#maxStreams = String(maxStreams);
    }

    async append(
        sessionId: string,
        streamId: string,
        events: readonly { readonly number: number; readonly data: string }[],
        options: StreamRetention & { readonly close?: boolean | undefined }
    ): Promise<AppendResult> {
        return this.#appends.add(this.#keys.events(sessionId, streamId), {
            sessionId,
            streamId,
            retention: checkedRetention(options),
            events: events.flatMap(({ number, data }) => [checkedNumber(number), data]),
            close: options.close === true
        });
    }

    async publish(sessionId: string, streamId: string, data: readonly string[], retention: StreamRetention): Promise<PublishResult> {
        return this.#publications.add(this.#keys.events(sessionId, streamId), {
            sessionId,
            streamId,
            retention: checkedRetention(retention),
            data
        });
    }

    async read(sessionId: string, streamId: string, after: string | undefined, limit: number): Promise<ReadResult> {
        const args = [streamId, after === undefined ? '-' : idOf(after), checkedCount('limit', limit)];
        const reply = arrayOf(await this.#redis.run(readEvents, this.#streamKeys({ sessionId, streamId }), args, 'repeatable'));
        switch (integerOf(reply[0])) {
            case answer.ok:
                return { status: 'ok', events: eventsOf(reply), closed: integerOf(reply[1]) === 1 };
            case answer.missing:
                return { status: 'unknown' };
            case answer.trimmed:
                return { status: 'trimmed' };
            default:
                return unexpectedReply(reply);
        }
    }

    async hold(sessionId: string, streamId: string, holder: string): Promise<HoldResult> {
        const keys = [this.#keys.session(sessionId), this.#keys.streams(sessionId), this.#keys.order(sessionId)] as const;
        const args = [streamId, holder, this.#keys.events(sessionId, ''), this.#maxStreams];
        // Repeated, it would take itself for the holder before.
        const reply = arrayOf(await this.#redis.run(holdStream, keys, args, 'once'));
        return integerOf(reply[0]) === answer.missing ? { status: 'missing' } : { status: 'ok', previous: optionalTextOf(reply[1]) };
    }

    async release(sessionId: string, streamId: string, holder: string, successor = ''): Promise<void> {
        await this.#redis.run(
            releaseStream,
            [this.#keys.streams(sessionId), this.#keys.order(sessionId)],
            [streamId, holder, successor],
            'repeatable'
        );
    }

    async #append(appends: readonly Append[]): Promise<readonly AppendResult[]> {
        const [first] = appends;
        if (first === undefined) {
            return [];
        }
        const closer = appends.some(({ close }) => close) ? randomBytes(12).toString('base64url') : '';
        const args = [...this.#writeArguments(first), closer, ...appends.flatMap(({ events }) => events)];
        const reply = arrayOf(await this.#redis.run(appendEvents, this.#streamKeys(first), args, 'repeatable'));
        const result = appendResultOf(reply);
        return appends.map(() => result);
    }

    async #publish(publications: readonly Publication[]): Promise<readonly PublishResult[]> {
        const [first] = publications;
        if (first === undefined) {
            return [];
        }
        const args = [...this.#writeArguments(first), ...publications.flatMap(({ data }) => data)];
        // Repeated, it would publish everything twice.
        const reply = arrayOf(await this.#redis.run(publishEvents, this.#streamKeys(first), args, 'once'));
        if (integerOf(reply[0]) === answer.missing) {
            return publications.map(() => ({ status: 'missing' }));
        }
        const holder = optionalTextOf(reply[1]);
        const [before, ...positions] = textsOf(reply.slice(2));
        let previous = before === '-' ? undefined : before;
        let taken = 0;
        return publications.map(({ data }) => {
            const own = positions.slice(taken, (taken += data.length));
            const result = { status: 'ok', positions: own, previous, holder } as const;
            previous = own.at(-1) ?? previous;
            return result;
        });
    }

    #streamKeys({ sessionId, streamId }: StreamName): readonly [string, ...string[]] {
        return [
            this.#keys.session(sessionId),
            this.#keys.streams(sessionId),
            this.#keys.order(sessionId),
            this.#keys.events(sessionId, streamId)
        ];
    }

    #writeArguments({ sessionId, streamId, retention }: StreamName & { readonly retention: Retention }): string[] {
        return [streamId, retention.ttl, retention.maxEvents, this.#keys.events(sessionId, ''), this.#maxStreams];
    }
}

function checkedRetention({ ttlMs, maxEvents }: StreamRetention): Retention {
    return { ttl: checkedDuration('ttlMs', ttlMs), maxEvents: checkedCount('maxEvents', maxEvents) };
}

function haveSameRetention(
    { retention: a }: { readonly retention: Retention },
    { retention: b }: { readonly retention: Retention }
): boolean {
    return a.ttl === b.ttl && a.maxEvents === b.maxEvents;
}

function checkedNumber(number: number): string {
    if (!Number.isSafeInteger(number) || number < 0) {
        throw new TransportStoreError('STORE_MISUSED', `The number of an event must be an integer from 0 to 2^53-1, not ${number}.`);
    }
    return String(number);
}

function idOf(after: string): string {
    if (!position.test(after)) {
        return '?';
    }
    return after.includes('-') ? after : `${after}-1`;
}

function appendResultOf(reply: readonly unknown[]): AppendResult {
    switch (integerOf(reply[0])) {
        case answer.ok:
            return { status: 'ok', holder: optionalTextOf(reply[1]) };
        case answer.closed:
            return { status: 'closed' };
        case answer.missing:
            return { status: 'missing' };
        default:
            return unexpectedReply(reply);
    }
}

function eventsOf(reply: readonly unknown[]): readonly StreamEvent[] {
    const wasAppended = textOf(reply[2]) === 'a';
    return pairsOf(textsOf(reply.slice(3))).map(([id, data]) => ({
        position: wasAppended ? (appendedId.exec(id)?.[1] ?? unexpectedReply(id)) : id,
        data
    }));
}

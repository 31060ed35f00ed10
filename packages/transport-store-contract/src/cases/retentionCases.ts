import assert from 'node:assert/strict';
import type { StreamRetention } from '@modelcontextprotocol/sdk/server/transportStore.js';
import type { CaseContext, ContractCase, FullStore } from '../contract.js';
import { createSession, hasStatus, keepAll, longMs, numbered, ok, range, readAll, readData, shortMs, within } from '../support.js';
import { forBothKinds, type StreamWriter } from '../streamWriters.js';
import { eventually } from '../waiting.js';

const shortLived: StreamRetention = { ttlMs: shortMs, maxEvents: 1000 };

/** Resolves when there is nothing left to read in a stream. */
async function dropping({ streams }: FullStore, id: string): Promise<void> {
    await eventually('the stream is dropped', async () => {
        const answer = await streams.read(id, 'stream', undefined, 1);
        return answer.status === 'unknown' || (answer.status === 'ok' && answer.events.length === 0);
    });
}

/** Writes more than is to be kept, and checks what is kept of it and that the rest is known to be lost. */
async function checkTrimming(
    { other }: CaseContext,
    id: string,
    writer: StreamWriter,
    calls: readonly (readonly string[])[],
    maxEvents: number
) {
    const positions: string[] = [];
    for (const data of calls) {
        positions.push(...(await writer.write(data, { ttlMs: longMs, maxEvents })).positions);
    }
    const data = calls.flat();
    const { events } = await readAll(other.streams, id, 'stream');
    const most = maxEvents + Math.max(100, maxEvents / 10);
    assert.ok(events.length >= maxEvents, `at least ${maxEvents} events must be kept, not ${events.length}`);
    assert.ok(events.length <= most, `at most ${most} events may be kept, not ${events.length}`);
    const kept = data.map((text, index) => ({ position: positions[index], data: text })).slice(-events.length);
    assert.deepEqual(events, kept, 'the newest events must be kept');
    const lost = positions.slice(0, -events.length);
    // The position right before the oldest kept event lacks nothing, so it is left out.
    for (const after of [lost[0], lost[Math.floor(lost.length / 2)], lost.at(-2)]) {
        hasStatus(await other.streams.read(id, 'stream', after, 10), 'trimmed', `read after the lost position ${after}`);
    }
    const page = ok(await other.streams.read(id, 'stream', events[0]?.position, 3), 'read after the oldest kept event');
    assert.deepEqual(page.events, events.slice(1, 4));
}

/** How much of a stream is kept, and for how long. */
export const retentionCases: readonly ContractCase[] = [
    ...forBothKinds((kind, makeWriter) => ({
        id: `streams.trim.${kind}`,
        rule: 'about maxEvents of the newest events are kept, and who missed others is told',
        needs: ['streams'],
        async run(context) {
            const id = context.sessionId();
            await createSession(context.one, id);
            const calls = range(80).map(call => range(5).map(part => `${call} ${part}`));
            await checkTrimming(context, id, makeWriter(context.one, id, 'stream'), calls, 10);
        }
    })),
    ...forBothKinds((kind, makeWriter) => ({
        id: `streams.trim.one-call.${kind}`,
        rule: 'a single write of more than maxEvents is trimmed, too',
        needs: ['streams'],
        async run(context) {
            const id = context.sessionId();
            await createSession(context.one, id);
            await checkTrimming(context, id, makeWriter(context.one, id, 'stream'), [range(400).map(number => `event ${number}`)], 10);
        }
    })),
    ...forBothKinds((kind, makeWriter) => ({
        id: `streams.trim.many.${kind}`,
        rule: 'the number of events kept follows maxEvents, when that is large',
        needs: ['streams'],
        async run(context) {
            const id = context.sessionId();
            await createSession(context.one, id);
            const calls = range(15).map(call => range(200).map(part => `${call} ${part}`));
            await checkTrimming(context, id, makeWriter(context.one, id, 'stream'), calls, 1500);
        }
    })),
    ...forBothKinds((kind, makeWriter) => ({
        id: `streams.trim.not-yet.${kind}`,
        rule: 'nothing is trimmed while a stream has no more than maxEvents',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            const writer = makeWriter(one, id, 'stream');
            const data = range(300).map(number => `event ${number}`);
            for (const start of range(30)) {
                await writer.write(data.slice(start * 10, start * 10 + 10), { ttlMs: longMs, maxEvents: 300 });
            }
            assert.deepEqual(await readData(other.streams, id, 'stream'), data);
        }
    })),
    {
        id: 'streams.trim.repeated-append',
        rule: 'an append of events that are trimmed already is skipped like any other repeated one',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            const retention = { ttlMs: longMs, maxEvents: 5 };
            await one.streams.append(id, 'stream', numbered(range(300)), retention);
            const before = await readAll(one.streams, id, 'stream');
            hasStatus(await other.streams.append(id, 'stream', numbered(range(10)), retention), 'ok', 'repeated append');
            assert.deepEqual(await readAll(other.streams, id, 'stream'), before);
        }
    },
    ...forBothKinds((kind, makeWriter) => ({
        id: `streams.ttl.dropped.${kind}`,
        rule: 'a stream is dropped ttlMs after its last event, while the session and its other streams live on',
        needs: ['streams'],
        async run({ one, other, sessionId, elapse }) {
            const id = sessionId();
            await createSession(one, id);
            await makeWriter(one, id, 'stream').write(['event'], shortLived);
            await makeWriter(one, id, 'another').write(['kept'], keepAll);
            await elapse(shortMs);
            await eventually(
                'the stream is unknown',
                async () => (await other.streams.read(id, 'stream', undefined, 1)).status === 'unknown'
            );
            assert.deepEqual(await readData(other.streams, id, 'another'), ['kept']);
            hasStatus(await one.sessions.touch(id, { ttlMs: longMs }), 'ok', 'touch');
        }
    })),
    ...forBothKinds((kind, makeWriter) => ({
        id: `streams.ttl.renewed.${kind}`,
        rule: 'each event renews its stream',
        needs: ['streams'],
        async run({ one, other, sessionId, elapse }) {
            const id = await within(shortMs, async () => {
                const id = sessionId();
                await createSession(one, id);
                const writer = makeWriter(one, id, 'stream');
                await writer.write(['old'], shortLived);
                await writer.write(['new'], { ...shortLived, ttlMs: longMs });
                return id;
            });
            await elapse(shortMs);
            assert.equal((await readData(other.streams, id, 'stream')).at(-1), 'new');
        }
    })),
    ...forBothKinds((kind, makeWriter) => ({
        id: `streams.ttl.written-again.${kind}`,
        rule: 'who missed events of a stream that was dropped and then written again is told, and misses nothing of the new ones',
        needs: ['streams'],
        async run({ one, other, sessionId, elapse }) {
            const id = sessionId();
            await createSession(one, id);
            const writer = makeWriter(one, id, 'stream');
            const old = await writer.write(['1', '2', '3'], shortLived);
            await elapse(shortMs);
            await dropping(other, id);
            const { positions } = await writer.write(['4'], keepAll);
            const event = { position: positions[0], data: '4' };
            assert.ok(!old.positions.includes(`${event.position}`), 'no position may be given twice');
            assert.deepEqual((await readAll(other.streams, id, 'stream')).events, [event]);
            hasStatus(await other.streams.read(id, 'stream', old.positions[0], 10), 'trimmed', 'read after the first lost position');
            const answer = await other.streams.read(id, 'stream', old.positions[2], 10);
            if (answer.status !== 'trimmed') {
                assert.deepEqual(ok(answer, 'read after the last lost position').events, [event]);
            }
        }
    })),
    ...forBothKinds((kind, makeWriter) => ({
        id: `streams.ttl.held.${kind}`,
        rule: 'a hold outlives the events: whoever writes after they were dropped is told the holder, who goes on reading where it was',
        needs: ['streams'],
        async run({ one, other, sessionId, elapse }) {
            const id = sessionId();
            await createSession(one, id);
            hasStatus(await other.streams.hold(id, 'stream', 'reader'), 'ok', 'hold');
            const writer = makeWriter(one, id, 'stream');
            const old = await writer.write(['1', '2', '3'], shortLived);
            await elapse(shortMs);
            await dropping(other, id);
            const { positions, holder } = await writer.write(['4'], keepAll);
            assert.equal(holder, 'reader', 'the writer must be told the holder');
            const page = ok(await other.streams.read(id, 'stream', old.positions[2], 10), 'read after the newest event before');
            assert.deepEqual(page.events, [{ position: positions[0], data: '4' }]);
            const next = ok(await one.streams.hold(id, 'stream', 'next'), 'hold');
            assert.equal(next.previous, 'reader');
        }
    }))
];

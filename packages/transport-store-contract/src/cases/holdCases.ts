import assert from 'node:assert/strict';
import type { ContractCase } from '../contract.js';
import { oddText } from '../samples.js';
import { createSession, hasStatus, keepAll, numbered, ok, range, readData } from '../support.js';
import { forBothKinds } from '../streamWriters.js';

/** The one reader of a stream. */
export const holdCases: readonly ContractCase[] = [
    {
        id: 'streams.hold.newest',
        rule: 'the newest holder has the stream; hold returns the one before',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            const hold = async (store: typeof one, holder: string) => ok(await store.streams.hold(id, 'stream', holder), 'hold').previous;
            assert.equal(await hold(one, 'first'), undefined, 'nobody held the stream before');
            assert.equal(await hold(other, 'second'), 'first');
            assert.equal(await hold(other, 'second'), 'second', 'a holder may hold again, and is then the one before');
            const odd = [oddText(128), ...'\'"\\{}:*% '.trim()];
            for (const [index, holder] of odd.entries()) {
                assert.equal(await hold(index % 2 === 0 ? one : other, holder), odd[index - 1] ?? 'second');
            }
        }
    },
    {
        id: 'streams.hold.release',
        rule: 'release ends the hold of the holder that still has it, and of no other',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            await one.streams.append(id, 'stream', numbered([1]), keepAll);
            await one.streams.hold(id, 'stream', 'first');
            await one.streams.hold(id, 'stream', 'second');
            await other.streams.release(id, 'stream', 'first');
            const held = ok(await one.streams.append(id, 'stream', numbered([2]), keepAll), 'append');
            assert.equal(held.holder, 'second', 'a release by a former holder must do nothing');
            await other.streams.release(id, 'another', 'second');
            await other.streams.release(id, 'stream', 'second');
            const released = ok(await one.streams.append(id, 'stream', numbered([3]), keepAll), 'append');
            assert.equal(released.holder, undefined, 'there must be no holder after the release');
            await other.streams.release(id, 'stream', 'second');
            assert.equal(ok(await one.streams.hold(id, 'stream', 'third'), 'hold').previous, undefined);
            assert.deepEqual(await readData(other.streams, id, 'stream'), ['event 1', 'event 2', 'event 3']);
            await one.streams.release(sessionId(), 'stream', 'third');
        }
    },
    {
        id: 'streams.hold.successor',
        rule: 'release with a successor puts it in the place of the holder in one step, and does nothing for a former holder',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            await one.streams.hold(id, 'stream', 'first');
            await one.streams.hold(id, 'stream', 'second');
            const holder = async (number: number) =>
                ok(await one.streams.append(id, 'stream', numbered([number]), keepAll), 'append').holder;
            await other.streams.release(id, 'stream', 'first', 'note of the first');
            assert.equal(await holder(1), 'second', 'a release by a former holder must do nothing');
            await other.streams.release(id, 'stream', 'second', 'note of the second');
            assert.equal(await holder(2), 'note of the second', 'the successor must be in the place of the holder');
            assert.equal(ok(await one.streams.hold(id, 'stream', 'third'), 'hold').previous, 'note of the second');
        }
    },
    {
        id: 'streams.hold.successor-race',
        rule: 'a holder that comes while another is released with a successor finds one or the other before it, and keeps the stream',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            for (let round = 0; round < 30; round++) {
                const id = sessionId();
                await createSession(one, id);
                await one.streams.hold(id, 'stream', 'first');
                const release = () => one.streams.release(id, 'stream', 'first', 'note of the first');
                const releasing = round % 2 === 0 ? release() : undefined;
                const holding = other.streams.hold(id, 'stream', 'second');
                await (releasing ?? release());
                const { previous } = ok(await holding, 'hold');
                assert.ok(previous === 'first' || previous === 'note of the first', `the one before must not be ${previous}`);
                const { holder } = ok(await one.streams.append(id, 'stream', numbered([1]), keepAll), 'append');
                assert.equal(holder, 'second', 'who came last must have the stream');
            }
        }
    },
    {
        id: 'streams.hold.concurrent',
        rule: 'concurrent holders take the stream from each other one after the other',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            for (let round = 0; round < 10; round++) {
                const id = sessionId();
                await createSession(one, id);
                const answers = await Promise.all(
                    range(6).map(number => ((number + round) % 2 === 0 ? one : other).streams.hold(id, 'stream', `${number}`))
                );
                const previous = answers.map(answer => ok(answer, 'hold').previous);
                const last = ok(await one.streams.append(id, 'stream', numbered([1]), keepAll), 'append').holder;
                assert.deepEqual(
                    [...previous, last].map(String).sort(),
                    [...range(6).map(String), 'undefined'],
                    'everyone must have been the one before somebody else, but for the last'
                );
            }
        }
    },
    ...forBothKinds((kind, makeWriter) => ({
        id: `streams.hold.told.${kind}`,
        rule: 'every write is told who holds the stream at that time',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            const writer = makeWriter(one, id, 'stream');
            assert.equal((await writer.write(['before'])).holder, undefined, 'the stream is not held');
            for (const holder of ['first', 'second', oddText(128)]) {
                hasStatus(await other.streams.hold(id, 'stream', holder), 'ok', 'hold');
                assert.equal((await writer.write([holder])).holder, holder);
                assert.equal((await writer.write([holder])).holder, holder);
            }
            hasStatus(await other.streams.hold(id, 'another', 'another'), 'ok', 'hold');
            assert.equal((await writer.write(['after'])).holder, oddText(128), 'the holder of another stream is of no concern');
            await other.streams.release(id, 'stream', oddText(128));
            assert.equal((await writer.write(['after'])).holder, undefined, 'the hold was released');
        }
    })),
    {
        id: 'streams.hold.told.closing',
        rule: 'a closing append is told the holder, too, also one without events and one to a stream that is only held',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            await one.streams.append(id, 'written', numbered([1]), keepAll);
            for (const stream of ['written', 'held']) {
                await other.streams.hold(id, stream, 'reader');
                const answer = ok(await one.streams.append(id, stream, [], { ...keepAll, close: true }), 'closing append');
                assert.equal(answer.holder, 'reader');
            }
        }
    },
    ...forBothKinds((kind, makeWriter) => ({
        id: `streams.hold.then-read.${kind}`,
        rule: 'hold, then read: each event of a racing writer is either read or written with the holder known',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            for (let round = 0; round < 60; round++) {
                const id = sessionId();
                await createSession(one, id);
                const writer = makeWriter(one, id, 'stream');
                await writer.write(['before']);
                const write = () => Promise.all(range(3).map(number => writer.write([`event ${number}`])));
                const read = async () => {
                    hasStatus(await other.streams.hold(id, 'stream', 'reader'), 'ok', 'hold');
                    return readData(other.streams, id, 'stream');
                };
                const reading = round % 2 === 0 ? read() : undefined;
                const writing = write();
                const data = await (reading ?? read());
                for (const [number, { holder }] of (await writing).entries()) {
                    assert.ok(
                        holder === 'reader' || data.includes(`event ${number}`),
                        'an event was neither read nor written with the holder known: the reader would never learn of it'
                    );
                }
            }
        }
    }))
];

import assert from 'node:assert/strict';
import type { ContractCase } from '../contract.js';
import { over1MB, over8KB, texts } from '../samples.js';
import { createSession, hasStatus, keepAll, numbered, range, readAll, readData } from '../support.js';

/** Streams with one producer. */
export const appendCases: readonly ContractCase[] = [
    {
        id: 'streams.append.round-trip',
        rule: 'appended events come back unchanged and in order at another handle; their positions are their numbers in decimal',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            const data = [...texts, over8KB, over1MB];
            const events = data.map((text, index) => ({ number: index, data: text }));
            hasStatus(await one.streams.append(id, 'stream', events.slice(0, 3), keepAll), 'ok', 'append');
            for (const event of events.slice(3)) {
                hasStatus(await one.streams.append(id, 'stream', [event], keepAll), 'ok', 'append');
            }
            const read = await readAll(other.streams, id, 'stream');
            assert.equal(read.closed, false);
            assert.equal(read.events.length, events.length);
            for (const [index, event] of read.events.entries()) {
                assert.equal(event.position, `${index}`, 'the position must be the number in decimal');
                assert.ok(event.data === data[index], `event ${index} must come back unchanged`);
            }
        }
    },
    {
        id: 'streams.append.numbers',
        rule: 'numbers are any integers from 0 to 2^53-1 that grow',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            const max = Number.MAX_SAFE_INTEGER;
            const numbers = [0, 1, 7, 10, 99, 100, 1e6, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 1e15, max - 2, max - 1, max];
            for (const number of numbers) {
                hasStatus(await one.streams.append(id, 'stream', numbered([number]), keepAll), 'ok', 'append');
            }
            const positions = numbers.map(number => number.toString());
            const { events } = await readAll(other.streams, id, 'stream');
            assert.deepEqual(
                events.map(({ position }) => position),
                positions
            );
            for (const [index, after] of positions.entries()) {
                const rest = await readAll(other.streams, id, 'stream', { after });
                assert.deepEqual(
                    rest.events.map(({ position }) => position),
                    positions.slice(index + 1),
                    `what is read after ${after}`
                );
            }
        }
    },
    {
        id: 'streams.append.repeated',
        rule: 'an append can be repeated: events that are in the stream, or older than its newest, are skipped',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            const appends: readonly (readonly number[])[] = [[1, 2, 3], [1, 2, 3], [2, 3, 4, 5], [5], [1], [4, 6], [3, 8], [7], [8, 9]];
            for (const [index, numbers] of appends.entries()) {
                const store = index % 2 === 0 ? one : other;
                const events = numbers.map(number => ({ number, data: `${number} of append ${index}` }));
                hasStatus(await store.streams.append(id, 'stream', events, keepAll), 'ok', 'append');
            }
            assert.deepEqual(await readData(one.streams, id, 'stream'), [
                '1 of append 0',
                '2 of append 0',
                '3 of append 0',
                '4 of append 2',
                '5 of append 2',
                '6 of append 5',
                '8 of append 6',
                '9 of append 8'
            ]);
        }
    },
    {
        id: 'streams.append.pipelined',
        rule: 'appends that one producer makes without waiting for each other lose nothing',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            const events = numbered(range(500));
            const answers = await Promise.all(events.map(event => one.streams.append(id, 'stream', [event], keepAll)));
            for (const answer of answers) {
                hasStatus(answer, 'ok', 'append');
            }
            assert.deepEqual(
                await readData(other.streams, id, 'stream'),
                events.map(({ data }) => data)
            );
        }
    },
    {
        id: 'streams.close.refuses',
        rule: 'a closed stream accepts nothing more, from whoever, and stays readable',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            hasStatus(await one.streams.append(id, 'stream', numbered([1, 2]), keepAll), 'ok', 'append');
            hasStatus(await one.streams.append(id, 'stream', numbered([3]), { ...keepAll, close: true }), 'ok', 'closing append');
            for (const { streams } of [one, other]) {
                hasStatus(await streams.append(id, 'stream', numbered([4]), keepAll), 'closed', 'append to a closed stream');
                hasStatus(await streams.append(id, 'stream', numbered([3]), keepAll), 'closed', 'repeated append to a closed stream');
                hasStatus(await streams.append(id, 'stream', [], { ...keepAll, close: true }), 'closed', 'closing a closed stream');
                hasStatus(
                    await streams.append(id, 'stream', numbered([5]), { ...keepAll, close: true }),
                    'closed',
                    'second closing append'
                );
            }
            const { events, closed } = await readAll(other.streams, id, 'stream');
            assert.deepEqual(
                events,
                [1, 2, 3].map(number => ({ position: `${number}`, data: `event ${number}` }))
            );
            assert.equal(closed, true);
        }
    },
    {
        id: 'streams.close.empty',
        rule: 'a closing append may bring no event, also to a stream that was never written to',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            hasStatus(await one.streams.append(id, 'written', numbered([1]), keepAll), 'ok', 'append');
            for (const stream of ['written', 'new']) {
                hasStatus(await other.streams.append(id, stream, [], { ...keepAll, close: true }), 'ok', 'closing append without events');
                hasStatus(await one.streams.append(id, stream, numbered([2]), keepAll), 'closed', 'append to a closed stream');
            }
            const written = await readAll(one.streams, id, 'written');
            assert.deepEqual([written.events.length, written.closed], [1, true], 'the stream that was written to');
            const empty = await readAll(one.streams, id, 'new');
            assert.deepEqual([empty.events.length, empty.closed], [0, true], 'the stream that was never written to');
        }
    },
    {
        id: 'streams.close.race',
        rule: 'of concurrent closing appends exactly one wins, and the others write nothing',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            for (let round = 0; round < 20; round++) {
                const id = sessionId();
                await createSession(one, id);
                hasStatus(await one.streams.append(id, 'stream', numbered([1]), keepAll), 'ok', 'append');
                const answers = await Promise.all(
                    range(6).map(closer => {
                        const { streams } = (closer + round) % 2 === 0 ? one : other;
                        return streams.append(id, 'stream', [{ number: 10 + closer, data: `${closer}` }], { ...keepAll, close: true });
                    })
                );
                const winners = range(6).filter(closer => answers[closer]?.status === 'ok');
                assert.equal(winners.length, 1, `exactly one closing append must answer ok, not ${winners.length}`);
                assert.equal(answers.filter(({ status }) => status === 'closed').length, 5, 'the others must answer closed');
                assert.deepEqual(await readData(other.streams, id, 'stream'), ['event 1', `${winners[0]}`]);
            }
        }
    },
    {
        id: 'streams.close.takeover',
        rule: 'when another node closes the stream of a producer that still writes, each append either happened before or is refused',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            for (let round = 0; round < 20; round++) {
                const id = sessionId();
                await createSession(one, id);
                const append = (number: number) => one.streams.append(id, 'stream', numbered([number]), keepAll);
                const before = range(round).map(number => append(number));
                const takeover = other.streams.append(id, 'stream', numbered([1000]), { ...keepAll, close: true });
                const after = range(20 - round).map(number => append(round + number));
                const answers = await Promise.all([...before, ...after]);
                hasStatus(await takeover, 'ok', 'the closing append');
                const written = range(20).filter(number => answers[number]?.status === 'ok');
                assert.equal(
                    answers.filter(({ status }) => status === 'closed').length,
                    20 - written.length,
                    'the other appends must be refused'
                );
                const { events, closed } = await readAll(one.streams, id, 'stream');
                assert.equal(closed, true);
                assert.deepEqual(
                    events.map(({ position }) => position),
                    [...written, 1000].map(number => `${number}`),
                    'the stream must have the events of the appends that answered ok, then the closing one'
                );
            }
        }
    }
];

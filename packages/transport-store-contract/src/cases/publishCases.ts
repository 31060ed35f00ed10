import assert from 'node:assert/strict';
import type { StreamEvent } from '@modelcontextprotocol/sdk/server/transportStore.js';
import type { ContractCase, FullStore } from '../contract.js';
import { over1MB, over8KB, texts } from '../samples.js';
import { createSession, keepAll, ok, range, readAll } from '../support.js';

/** Publishes from several producers at once, none of which waits for its calls. */
function publishConcurrently(stores: readonly FullStore[], sessionId: string, calls: number) {
    return Promise.all(
        stores.flatMap((store, producer) =>
            range(calls).map(async call => {
                const data = range((call % 3) + 1).map(part => `${producer} ${call} ${part}`);
                return { data, ...ok(await store.streams.publish(sessionId, 'stream', data, keepAll), 'publish') };
            })
        )
    );
}

/** Checks what the stream has of each producer, and that each call is in one piece. */
function checkOrder(events: readonly StreamEvent[], producers: number, calls: number): void {
    const order = events.map(({ data }) => data);
    for (const producer of range(producers)) {
        const expected = range(calls).flatMap(call => range((call % 3) + 1).map(part => `${producer} ${call} ${part}`));
        assert.deepEqual(
            order.filter(data => data.startsWith(`${producer} `)),
            expected,
            `the events of producer ${producer} must be there, once, in the order of its calls`
        );
    }
    for (const [index, data] of order.entries()) {
        const [producer, call, part] = data.split(' ');
        if (part !== '0') {
            assert.equal(order[index - 1], `${producer} ${call} ${Number(part) - 1}`, 'the events of one call must stay together');
        }
    }
}

/** Streams with many producers. */
export const publishCases: readonly ContractCase[] = [
    {
        id: 'streams.publish.round-trip',
        rule: 'published events come back unchanged and in order at another handle, at the positions that publish returned',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            const data = [...texts, over8KB, over1MB];
            const first = ok(await one.streams.publish(id, 'stream', data.slice(0, 5), keepAll), 'publish');
            assert.equal(first.positions.length, 5, 'there must be a position for each event');
            const positions = [...first.positions];
            for (const text of data.slice(5)) {
                positions.push(...ok(await other.streams.publish(id, 'stream', [text], keepAll), 'publish').positions);
            }
            const { events, closed } = await readAll(other.streams, id, 'stream');
            assert.equal(closed, false);
            assert.deepEqual(
                events.map(({ position }) => position),
                positions
            );
            assert.ok(
                events.every((event, index) => event.data === data[index]),
                'the data must come back unchanged'
            );
            assert.equal(new Set(positions).size, data.length, 'positions must be different');
            for (const position of positions) {
                assert.match(position, /^[\x21-\x2d\x2f-\x7e]{1,64}$/, 'a position is visible ASCII without ".", at most 64 characters');
            }
        }
    },
    {
        id: 'streams.publish.concurrent',
        rule: 'events of concurrent producers at several handles are all there, in each producer’s order, each call in one piece',
        needs: ['streams'],
        async run({ one, other, open, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            const stores = [one, other, await open()];
            const published = await publishConcurrently(stores, id, 40);
            const { events } = await readAll(one.streams, id, 'stream', { limit: 50 });
            checkOrder(events, stores.length, 40);
            const byPosition = new Map(events.map(({ position, data }) => [position, data]));
            assert.equal(byPosition.size, events.length, 'positions must be different');
            for (const { data, positions } of published) {
                assert.deepEqual(
                    positions.map(position => byPosition.get(position)),
                    data,
                    'the returned positions must be those of the events'
                );
            }
        }
    },
    {
        id: 'streams.publish.previous',
        rule: 'if publish says how far a reader must have come, nothing lies between that position and the events, whoever else writes',
        needs: ['streams'],
        async run({ one, other, open, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            const stores = [one, other, await open()];
            const published = await publishConcurrently(stores, id, 40);
            const { events } = await readAll(one.streams, id, 'stream');
            const order = events.map(({ position }) => position);
            for (const { previous, positions } of published) {
                if (previous !== undefined && order.indexOf(positions[0] ?? '') > 0) {
                    assert.equal(previous, order[order.indexOf(positions[0] ?? '') - 1], 'the position before that of the first event');
                }
            }
        }
    },
    {
        id: 'streams.publish.tailed',
        rule: 'a reader that pages along while producers write gets each event once, without a gap',
        needs: ['streams'],
        async run({ one, other, open, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            const stores = [one, other, await open()];
            const reader = await open();
            await reader.streams.hold(id, 'stream', 'reader');
            let writing = true;
            const written = publishConcurrently(stores, id, 40).finally(() => {
                writing = false;
            });
            const seen: StreamEvent[] = [];
            for (let last = false; !last;) {
                last = !writing;
                const after = seen.at(-1)?.position;
                const page = await readAll(reader.streams, id, 'stream', { after, limit: 7 });
                seen.push(...page.events);
                // Else a store that answers without any input or output leaves the producers no time.
                await new Promise(resolve => setTimeout(resolve, 0));
            }
            await written;
            const { events } = await readAll(reader.streams, id, 'stream');
            assert.deepEqual(seen, events, 'what was read along the way must be what the stream has in the end');
            checkOrder(events, stores.length, 40);
        }
    }
];

import assert from 'node:assert/strict';
import type { ContractCase } from '../contract.js';
import { createSession, hasStatus, keepAll, numbered, ok, range, readAll } from '../support.js';
import { forBothKinds } from '../streamWriters.js';

/** Reading a stream. */
export const readCases: readonly ContractCase[] = [
    ...forBothKinds((kind, makeWriter) => ({
        id: `streams.read.paging.${kind}`,
        rule: 'read returns at most `limit` events after a position, oldest first',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            const data = range(25).map(number => `event ${number}`);
            const { positions } = await makeWriter(one, id, 'stream').write(data);
            const expected = data.map((text, index) => ({ position: positions[index], data: text }));
            for (const limit of [1, 7, 25, 1000]) {
                const first = ok(await other.streams.read(id, 'stream', undefined, limit), 'read');
                assert.deepEqual(first, { status: 'ok', events: expected.slice(0, limit), closed: false });
                assert.deepEqual((await readAll(other.streams, id, 'stream', { limit })).events, expected, `all in pages of ${limit}`);
            }
            for (const [index, after] of positions.entries()) {
                const { events } = ok(await other.streams.read(id, 'stream', after, 3), 'read');
                assert.deepEqual(events, expected.slice(index + 1, index + 4), `what is read after event ${index}`);
            }
        }
    })),
    {
        id: 'streams.read.closed',
        rule: 'read tells that the stream is closed with its last events, not before',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            hasStatus(await one.streams.append(id, 'stream', numbered(range(5)), { ...keepAll, close: true }), 'ok', 'closing append');
            const pages: readonly (readonly [string | undefined, number, readonly string[], boolean])[] = [
                [undefined, 2, ['0', '1'], false],
                ['1', 2, ['2', '3'], false],
                ['3', 2, ['4'], true],
                ['2', 2, ['3', '4'], true],
                ['4', 2, [], true],
                [undefined, 5, ['0', '1', '2', '3', '4'], true],
                [undefined, 4, ['0', '1', '2', '3'], false]
            ];
            for (const [after, limit, positions, closed] of pages) {
                const page = ok(await other.streams.read(id, 'stream', after, limit), 'read');
                const what = `${limit} events after ${after}`;
                assert.deepEqual(
                    page.events.map(({ position }) => position),
                    positions,
                    what
                );
                assert.equal(page.closed, closed, `whether the stream ends with ${what}`);
            }
        }
    },
    {
        id: 'streams.read.beyond-end',
        rule: 'a position beyond the newest event is no error',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            await one.streams.append(id, 'stream', numbered([1, 2, 3]), keepAll);
            for (const after of ['3', '4', '1000', `${Number.MAX_SAFE_INTEGER}`]) {
                const page = ok(await other.streams.read(id, 'stream', after, 10), `read after ${after}`);
                assert.deepEqual(page, { status: 'ok', events: [], closed: false });
            }
            await one.streams.append(id, 'stream', numbered([4]), { ...keepAll, close: true });
            for (const after of ['4', '5']) {
                const page = ok(await other.streams.read(id, 'stream', after, 10), `read after ${after}`);
                assert.deepEqual(page, { status: 'ok', events: [], closed: true });
            }
        }
    },
    ...forBothKinds((kind, makeWriter) => ({
        id: `streams.read.follow.${kind}`,
        rule: 'what is written later is read after the newest position',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            const writer = makeWriter(one, id, 'stream');
            let after: string | undefined;
            for (const text of ['first', 'second', 'third']) {
                const { positions } = await writer.write([text]);
                const page = ok(await other.streams.read(id, 'stream', after, 10), 'read');
                assert.deepEqual(page.events, [{ position: positions[0], data: text }]);
                after = positions[0];
                assert.deepEqual(ok(await other.streams.read(id, 'stream', after, 10), 'read').events, []);
            }
        }
    })),
    {
        id: 'streams.read.unknown',
        rule: 'a stream that was never written to, nor held, is unknown, as is every stream of an absent session',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            hasStatus(await one.streams.read(id, 'stream', undefined, 10), 'unknown', 'read without a session');
            await createSession(one, id);
            await one.streams.append(id, 'another', numbered([1]), keepAll);
            for (const after of [undefined, '0', '5']) {
                hasStatus(await other.streams.read(id, 'stream', after, 10), 'unknown', 'read of a stream that was never written to');
            }
            await other.streams.release(id, 'stream', 'holder');
            hasStatus(await other.streams.read(id, 'stream', undefined, 10), 'unknown', 'read after a release by nobody');
        }
    },
    {
        id: 'streams.read.held-empty',
        rule: 'a stream that is only held is empty, not unknown, and no longer once it is released',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            hasStatus(await one.streams.hold(id, 'stream', 'holder'), 'ok', 'hold');
            const page = await other.streams.read(id, 'stream', undefined, 10);
            assert.deepEqual(page, { status: 'ok', events: [], closed: false });
            await other.streams.release(id, 'stream', 'holder');
            hasStatus(await other.streams.read(id, 'stream', undefined, 10), 'unknown', 'read after the release');
        }
    },
    ...forBothKinds((kind, makeWriter) => ({
        id: `streams.read.foreign-position.${kind}`,
        rule: 'a position that the store did not make is no reason to reject: the store is not unavailable',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            await makeWriter(one, id, 'stream').write(['event']);
            for (const after of ['x', '-', '+', '$', '-1', '1e3', '0x10', '12-34', '1-x', "'", '\\', '9'.repeat(64), '~'.repeat(64)]) {
                const reading = other.streams.read(id, 'stream', after, 10);
                await assert.doesNotReject(reading, `read after ${after} must not reject`);
                const { status } = await reading;
                assert.ok(['ok', 'trimmed', 'unknown'].includes(status), `read after ${after} answered the status "${status}"`);
            }
        }
    }))
];

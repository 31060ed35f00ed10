import assert from 'node:assert/strict';
import type { ContractCase, FullStore } from '../contract.js';
import { oddText } from '../samples.js';
import { createSession, expiry, hasStatus, keepAll, longMs, numbered, ok, readData, shortMs, within } from '../support.js';

/** Leaves a stream of each kind, one of them closed, all held. */
async function writeStreams({ streams }: FullStore, id: string): Promise<void> {
    hasStatus(await streams.append(id, 'appended', numbered([1, 2]), keepAll), 'ok', 'append');
    hasStatus(await streams.append(id, 'closed', numbered([1, 2]), { ...keepAll, close: true }), 'ok', 'append');
    hasStatus(await streams.publish(id, 'published', ['1', '2'], keepAll), 'ok', 'publish');
    for (const stream of ['appended', 'closed', 'published', 'held']) {
        hasStatus(await streams.hold(id, stream, 'old-holder'), 'ok', 'hold');
    }
}

/** Checks that nothing can be written or read. */
async function checkAbsent({ streams }: FullStore, id: string): Promise<void> {
    for (const stream of ['appended', 'closed', 'published', 'held', 'new']) {
        hasStatus(await streams.append(id, stream, numbered([3]), keepAll), 'missing', 'append without a session');
        hasStatus(await streams.append(id, stream, [], { ...keepAll, close: true }), 'missing', 'closing append without a session');
        hasStatus(await streams.publish(id, stream, ['3'], keepAll), 'missing', 'publish without a session');
        hasStatus(await streams.hold(id, stream, 'late-holder'), 'missing', 'hold without a session');
        hasStatus(await streams.read(id, stream, undefined, 10), 'unknown', 'read without a session');
        await streams.release(id, stream, 'old-holder');
    }
}

/** Checks that a session has no trace of the streams of an older one with its id. */
async function checkClean({ streams }: FullStore, id: string): Promise<void> {
    for (const stream of ['appended', 'closed', 'published', 'held', 'new']) {
        hasStatus(await streams.read(id, stream, undefined, 10), 'unknown', `read of the stream "${stream}" of a new session`);
    }
    for (const stream of ['appended', 'closed']) {
        const answer = ok(await streams.append(id, stream, numbered([1]), keepAll), 'append');
        assert.equal(answer.holder, undefined, 'the holder of an older session must be forgotten');
        assert.deepEqual(await readData(streams, id, stream), ['event 1']);
    }
    const answer = ok(await streams.publish(id, 'published', ['new'], keepAll), 'publish');
    assert.equal(answer.holder, undefined, 'the holder of an older session must be forgotten');
    assert.deepEqual(await readData(streams, id, 'published'), ['new']);
    assert.equal(ok(await streams.hold(id, 'held', 'new-holder'), 'hold').previous, undefined);
}

/** Streams belong to their session. */
export const streamLifeCases: readonly ContractCase[] = [
    {
        id: 'streams.isolated.streams',
        rule: 'the streams of a session are apart from each other, whatever their ids',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            const streamIds = [
                'a',
                'A',
                '0',
                '00',
                '-',
                '_',
                '__proto__',
                'constructor',
                'state',
                'nodes',
                'events',
                'x'.repeat(64),
                'x'.repeat(63)
            ];
            for (const stream of streamIds) {
                hasStatus(await one.streams.append(id, stream, [{ number: 1, data: stream }], keepAll), 'ok', 'append');
                hasStatus(await one.streams.hold(id, stream, `holder-${stream}`), 'ok', 'hold');
            }
            await one.streams.append(id, 'a', [], { ...keepAll, close: true });
            for (const stream of streamIds.slice(1)) {
                const answer = ok(await other.streams.append(id, stream, [{ number: 2, data: 'second' }], keepAll), 'append');
                assert.equal(answer.holder, `holder-${stream}`);
                assert.deepEqual(await readData(other.streams, id, stream), [stream, 'second']);
            }
        }
    },
    {
        id: 'streams.isolated.sessions',
        rule: 'streams with one id in two sessions are two streams',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            const [a, b] = [sessionId(), sessionId()];
            await createSession(one, a);
            await createSession(one, b);
            await one.streams.append(a, 'stream', numbered([1]), { ...keepAll, close: true });
            await one.streams.hold(a, 'stream', 'holder of a');
            await one.streams.publish(a, 'published', ['a'], keepAll);
            hasStatus(await other.streams.read(b, 'stream', undefined, 10), 'unknown', 'read');
            const answer = ok(await other.streams.append(b, 'stream', [{ number: 1, data: 'b' }], keepAll), 'append');
            assert.equal(answer.holder, undefined);
            await other.streams.publish(b, 'published', ['b'], keepAll);
            assert.deepEqual(await readData(one.streams, a, 'stream'), ['event 1']);
            assert.deepEqual(await readData(one.streams, a, 'published'), ['a']);
            hasStatus(await one.sessions.delete(a, {}), 'ok', 'delete');
            assert.deepEqual(await readData(one.streams, b, 'stream'), ['b']);
            assert.deepEqual(await readData(one.streams, b, 'published'), ['b']);
        }
    },
    {
        id: 'streams.isolated.ids',
        rule: 'streams are apart however the ids of sessions and streams resemble each other, and so is their deletion',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            const base = sessionId();
            const pairs = [
                [base, 'x'],
                [base, 'x-y'],
                [`${base}-x`, 'y'],
                [base, 'x_y'],
                [`${base}_x`, 'y'],
                [`${base}x`, 'x'],
                [`${base}:x`, 'x'],
                [`{${base}}`, 'x'],
                [`${base}}{`, 'x'],
                [`${base}*`, 'x'],
                [`${base}%`, 'x'],
                [`'${base}"`, 'x'],
                [(base + oddText(256)).slice(0, 256), 'x'],
                [`${(base + oddText(256)).slice(0, 255)}!`, 'x']
            ] as const;
            for (const id of new Set(pairs.map(([id]) => id))) {
                await createSession(one, id);
            }
            for (const [id, stream] of pairs) {
                const data = `${id} ${stream}`;
                hasStatus(await one.streams.append(id, stream, [{ number: 1, data }], keepAll), 'ok', 'append');
                hasStatus(await one.streams.publish(id, `${stream}-published`, [data], keepAll), 'ok', 'publish');
            }
            const check = async (remaining: readonly (readonly [string, string])[]) => {
                for (const [id, stream] of remaining) {
                    for (const name of [stream, `${stream}-published`]) {
                        assert.deepEqual(await readData(other.streams, id, name), [`${id} ${stream}`], `the stream ${name} of ${id}`);
                    }
                }
            };
            await check(pairs);
            const deleted: readonly string[] = [base, `${base}*`, `${base}%`];
            for (const id of deleted) {
                hasStatus(await one.sessions.delete(id, {}), 'ok', 'delete');
            }
            await check(pairs.filter(([id]) => !deleted.includes(id)));
        }
    },
    {
        id: 'streams.absent-session',
        rule: 'without a session nothing is written, and a session that is created later finds no stream',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await checkAbsent(one, id);
            await createSession(one, id);
            await checkClean(other, id);
        }
    },
    {
        id: 'streams.deleted-session',
        rule: 'streams are deleted with their session: nothing can be read or written, and the next session with that id has none',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            await writeStreams(one, id);
            hasStatus(await one.sessions.delete(id, {}), 'ok', 'delete');
            await checkAbsent(other, id);
            hasStatus(await one.sessions.touch(id, { ttlMs: longMs }), 'missing', 'touch');
            await createSession(other, id);
            await checkClean(one, id);
        }
    },
    {
        id: 'streams.expired-session',
        rule: 'streams end when their session expires, however long they were to be kept',
        needs: ['streams'],
        async run({ one, other, sessionId, elapse }) {
            const lifeMs = shortMs * 2;
            const [untouched, written] = await within(lifeMs, async () => {
                const ids = [sessionId(), sessionId()] as const;
                for (const id of ids) {
                    await createSession(one, id, { node: 'node', ttlMs: lifeMs });
                    await writeStreams(one, id);
                }
                return ids;
            });
            await elapse(lifeMs);
            await expiry(one, written);
            await checkAbsent(other, written);
            hasStatus(await one.sessions.touch(written, { ttlMs: longMs }), 'missing', 'touch');
            for (const id of [untouched, written]) {
                await createSession(other, id);
                await checkClean(one, id);
            }
        }
    },
    {
        id: 'streams.racing-delete',
        rule: 'no write or hold that races the deletion of its session leaves anything behind',
        needs: ['streams'],
        async run({ one, other, sessionId }) {
            for (let round = 0; round < 30; round++) {
                const id = sessionId();
                await createSession(one, id);
                await writeStreams(one, id);
                const writers = [
                    () => other.streams.append(id, 'appended', numbered([3]), keepAll),
                    () => other.streams.publish(id, 'published', ['3'], keepAll),
                    () => other.streams.hold(id, 'held', 'late-holder'),
                    () => other.streams.append(id, 'new', numbered([1]), { ...keepAll, close: true })
                ];
                const deletion = () => one.sessions.delete(id, {});
                await Promise.all([...writers.slice(0, round % 5), deletion, ...writers.slice(round % 5)].map(call => call()));
                hasStatus(await other.sessions.touch(id, { ttlMs: longMs }), 'missing', 'touch');
                await createSession(one, id);
                await checkClean(other, id);
            }
        }
    }
];

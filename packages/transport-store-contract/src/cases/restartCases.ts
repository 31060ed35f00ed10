import assert from 'node:assert/strict';
import type { ContractCase, FullStore } from '../contract.js';
import { InboxReader, receiving, send } from '../inboxReader.js';
import { createSession, equalState, hasStatus, keepAll, longMs, numbered, ok, range, readData } from '../support.js';
import { eventually, settled } from '../waiting.js';

const noWork = async (): Promise<void> => {};

/** Resolves when a handle that was open before the restart works again. */
async function healing(store: FullStore): Promise<void> {
    await eventually('ping resolves again after the restart', () =>
        settled('ping after the restart', store.ping()).then(
            () => true,
            () => false
        )
    );
}

/** What becomes of a store while its backend is down, and afterwards. */
export const restartCases: readonly ContractCase[] = [
    {
        id: 'restart.ping',
        rule: 'ping rejects with STORE_UNAVAILABLE while the backend is down, and resolves when it is back',
        needs: ['restart'],
        async run({ one, other, restart }) {
            await restart(async () => {
                for (const store of [one, other]) {
                    const error = await settled('ping while the backend is down', store.ping()).then(
                        () => assert.fail('ping must reject while the backend is down'),
                        (reason: unknown) => reason
                    );
                    assert.ok(error instanceof Error && 'code' in error, 'ping must reject with a TransportStoreError');
                    assert.equal(error.code, 'STORE_UNAVAILABLE');
                }
            });
            await healing(one);
            await healing(other);
        }
    },
    {
        id: 'restart.operations',
        rule: 'an operation while the backend is down rejects, or is done once the backend is back; it never answers that a session is missing',
        needs: ['restart'],
        async run({ one, sessionId, restart }) {
            const id = sessionId();
            await createSession(one, id, { state: { a: '1' } });
            let updating: Promise<number | undefined | Error> | undefined;
            let touching: Promise<string> | undefined;
            await restart(async () => {
                updating = one.sessions.update(id, { a: '2' }).catch(toError);
                touching = one.sessions.touch(id, { ttlMs: longMs }).then(
                    ({ status }) => status,
                    () => 'rejected'
                );
            });
            await healing(one);
            assert.ok(updating !== undefined && touching !== undefined, 'the restart must have run what it was given');
            const touched = await settled('touch while the backend was down', touching);
            assert.ok(touched === 'ok' || touched === 'rejected', `touch while the backend was down must not answer "${touched}"`);
            const revision = await settled('update while the backend was down', updating);
            const { session } = ok(await one.sessions.open(id, { ttlMs: longMs }), 'open');
            if (!(revision instanceof Error)) {
                assert.equal(revision, 2, 'an update that succeeds must return its revision');
                assert.equal(session.state.a, '2');
            }
        }
    },
    {
        id: 'restart.sessions',
        rule: 'sessions survive a restart of the backend, and open handles work again',
        needs: ['restart'],
        async run({ one, other, open, sessionId, restart }) {
            const [id, deleted] = [sessionId(), sessionId()];
            await createSession(one, id, { record: 'record', state: { a: '1' }, principal: 'owner', node: 'a' });
            await createSession(one, deleted);
            await other.sessions.update(id, { b: '2' });
            await other.sessions.open(id, { principal: 'owner', ttlMs: longMs, node: 'b' });
            hasStatus(await one.sessions.delete(deleted, {}), 'ok', 'delete');
            await restart(noWork);
            for (const store of [one, other, await open()]) {
                await healing(store);
                hasStatus(await store.sessions.touch(id, { ttlMs: longMs }), 'forbidden', 'touch of a stranger');
                const { session } = ok(await store.sessions.open(id, { principal: 'owner', ttlMs: longMs }), 'open');
                assert.equal(session.record, 'record');
                assert.equal(session.revision, 2);
                equalState(session.state, { a: '1', b: '2' }, 'the state');
                assert.deepEqual([...(await store.sessions.nodes(id))].sort(), ['a', 'b']);
                hasStatus(await store.sessions.touch(deleted, { ttlMs: longMs }), 'missing', 'touch of the deleted session');
            }
            assert.equal(await other.sessions.update(id, { c: '3' }), 3);
        }
    },
    {
        id: 'restart.streams',
        rule: 'streams, whether closed or held, survive a restart of the backend',
        needs: ['restart', 'streams'],
        async run({ one, other, sessionId, restart }) {
            const id = sessionId();
            await createSession(one, id);
            await one.streams.append(id, 'appended', numbered([1, 2]), keepAll);
            await one.streams.append(id, 'closed', numbered([1, 2]), { ...keepAll, close: true });
            const before = ok(await one.streams.publish(id, 'published', ['1', '2'], keepAll), 'publish');
            for (const stream of ['appended', 'published']) {
                await other.streams.hold(id, stream, 'reader');
            }
            await restart(noWork);
            await healing(one);
            await healing(other);
            const appended = ok(await one.streams.append(id, 'appended', numbered([2, 3]), keepAll), 'append');
            const published = ok(await one.streams.publish(id, 'published', ['3'], keepAll), 'publish');
            assert.deepEqual([appended.holder, published.holder], ['reader', 'reader'], 'the holders');
            hasStatus(await one.streams.append(id, 'closed', numbered([3]), keepAll), 'closed', 'append to the closed stream');
            assert.deepEqual(await readData(other.streams, id, 'appended'), ['event 1', 'event 2', 'event 3']);
            assert.deepEqual(await readData(other.streams, id, 'closed'), ['event 1', 'event 2']);
            assert.deepEqual(await readData(other.streams, id, 'published'), ['1', '2', '3']);
            const page = ok(await other.streams.read(id, 'published', before.positions[1], 10), 'read after a position from before');
            assert.deepEqual(page.events, [{ position: published.positions[0], data: '3' }]);
        }
    },
    {
        id: 'restart.leases',
        rule: 'leases and what waits in inboxes survive a restart of the backend',
        needs: ['restart', 'inboxes'],
        async run({ one, other, nodeId, restart }) {
            const node = nodeId();
            await one.inboxes.join(node, longMs);
            await send(other, node, ['sent before']);
            await restart(noWork);
            await healing(one);
            await healing(other);
            assert.deepEqual(await other.inboxes.alive([node]), [node]);
            assert.equal(await one.inboxes.renew(node, longMs), true);
            await send(other, node, ['sent after']);
            await receiving(one, node, async reader => {
                await reader.until('sent after');
                assert.deepEqual(reader.messages, ['sent before', 'sent after']);
            });
        }
    },
    {
        id: 'restart.delivery',
        rule: 'a delivery goes on by itself after a restart of the backend and has lost nothing, not even what was sent before it was back',
        needs: ['restart', 'inboxes'],
        async run({ one, other, open, nodeId, restart }) {
            const node = nodeId();
            await one.inboxes.join(node, longMs);
            const sender = await open();
            const reader = await InboxReader.start(one, node);
            try {
                await send(other, node, ['first']);
                await reader.until('first');
                const expected = ['first'];
                for (const round of range(2)) {
                    await restart(noWork);
                    // The sender may be back before the receiver is.
                    await healing(sender);
                    const messages = range(20).map(number => `${round} ${number}`);
                    await send(sender, node, messages);
                    expected.push(...messages);
                    await reader.untilCount(expected.length);
                }
                assert.deepEqual(reader.messages, expected);
            } finally {
                await reader.close();
            }
        }
    }
];

function toError(reason: unknown): Error {
    return reason instanceof Error ? reason : new Error('A store rejected with something that is not an error.', { cause: reason });
}

import assert from 'node:assert/strict';
import type { ContractCase } from '../contract.js';
import { createSession, equalState, hasStatus, longMs, ok, openSession, range } from '../support.js';

/** Changing the state of a session. */
export const updateCases: readonly ContractCase[] = [
    {
        id: 'sessions.update.merge',
        rule: 'update sets the given fields, keeps the others and the record, and adds one to the revision',
        needs: [],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id, { record: 'kept', state: { a: '1', b: '1' }, principal: 'owner', node: 'node' });
            assert.equal(await other.sessions.update(id, { b: '2', c: '2' }), 2, 'the revision after the first update');
            assert.equal(await one.sessions.update(id, { a: '' }), 3, 'the revision after the second update');
            const session = await openSession(other.sessions, id, 'owner');
            equalState(session.state, { a: '', b: '2', c: '2' }, 'the merged state');
            assert.equal(session.revision, 3);
            assert.equal(session.record, 'kept');
            assert.deepEqual(await one.sessions.nodes(id), ['node']);
        }
    },
    {
        id: 'sessions.update.empty',
        rule: 'an update of no field counts as one',
        needs: [],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id, { state: { a: '1' } });
            assert.equal(await one.sessions.update(id, {}), 2);
            const session = await openSession(other.sessions, id);
            assert.equal(session.revision, 2);
            equalState(session.state, { a: '1' }, 'the state');
            assert.equal(await one.sessions.update(sessionId(), {}), undefined, 'an update of no field of an absent session');
        }
    },
    {
        id: 'sessions.update.concurrent',
        rule: 'concurrent updates from two handles lose nothing and have different revisions',
        needs: [],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id, { state: { initial: 'kept' } });
            const revisions = await Promise.all(
                range(50).map(number => (number % 2 === 0 ? one : other).sessions.update(id, { [`field ${number}`]: `${number}` }))
            );
            assert.deepEqual(
                revisions.map(revision => revision ?? 0).sort((a, b) => a - b),
                range(50).map(number => number + 2),
                'the revisions must be 2 to 51, each once'
            );
            const session = await openSession(one.sessions, id);
            const expected = Object.fromEntries(range(50).map(number => [`field ${number}`, `${number}`]));
            equalState(session.state, { initial: 'kept', ...expected }, 'all fields of all updates');
            assert.equal(session.revision, 51);
        }
    },
    {
        id: 'sessions.update.same-field',
        rule: 'of concurrent updates of one field the one with the highest revision stands',
        needs: [],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            const revisions = await Promise.all(
                range(30).map(number => (number % 2 === 0 ? one : other).sessions.update(id, { field: `${number}` }))
            );
            const session = await openSession(one.sessions, id);
            assert.equal(session.revision, 31);
            assert.equal(session.state.field, `${revisions.indexOf(31)}`, 'the value must be the one of the update that made revision 31');
        }
    },
    {
        id: 'sessions.update.deleted',
        rule: 'an update after the deletion writes nothing and does not bring the session back',
        needs: [],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id, { state: { old: '1' } });
            hasStatus(await one.sessions.delete(id, {}), 'ok', 'delete');
            assert.equal(await other.sessions.update(id, { late: '1' }), undefined, 'update must answer undefined');
            hasStatus(await one.sessions.touch(id, { ttlMs: longMs }), 'missing', 'touch');
            await createSession(one, id, { state: { new: '1' } });
            const session = await openSession(other.sessions, id);
            equalState(session.state, { new: '1' }, 'the state must be the new one alone');
            assert.equal(session.revision, 1);
        }
    },
    {
        id: 'sessions.update.racing-delete',
        rule: 'no update, touch or open that races a deletion brings the session back',
        needs: [],
        async run({ one, other, sessionId }) {
            for (let round = 0; round < 30; round++) {
                const id = sessionId();
                await createSession(one, id, { state: { a: '1' } });
                const writers = [
                    () => other.sessions.update(id, { a: '2' }),
                    () => other.sessions.touch(id, { ttlMs: longMs }),
                    () => other.sessions.open(id, { ttlMs: longMs, node: 'node' })
                ];
                const deletion = () => one.sessions.delete(id, {});
                const calls = [...writers.slice(0, round % 4), deletion, ...writers.slice(round % 4)];
                await Promise.all(calls.map(call => call()));
                hasStatus(await other.sessions.touch(id, { ttlMs: longMs }), 'missing', 'touch after the deletion');
                await createSession(other, id);
                const session = await openSession(one.sessions, id);
                equalState(session.state, {}, 'the state of the session that was created anew');
                assert.equal(session.revision, 1);
                assert.deepEqual(await one.sessions.nodes(id), []);
                ok(await one.sessions.delete(id, {}), 'delete');
            }
        }
    }
];

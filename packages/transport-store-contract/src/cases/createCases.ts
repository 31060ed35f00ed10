import assert from 'node:assert/strict';
import type { ContractCase } from '../contract.js';
import { names, oddState, oddText, over1MB, over8KB, texts } from '../samples.js';
import { createSession, equalSet, equalState, hasStatus, longMs, newSession, ok, openSession, range } from '../support.js';

/** Creating a session, and what of it comes back. */
export const createCases: readonly ContractCase[] = [
    {
        id: 'sessions.create.round-trip',
        rule: 'every field of a session comes back unchanged at another handle, whatever text it is',
        needs: [],
        async run({ one, other, sessionId }) {
            for (const text of [...texts, over8KB]) {
                const id = sessionId();
                const state = { field: text, empty: '' };
                await createSession(one, id, { record: text, state, principal: text, node: 'node-1_A' });
                const session = await openSession(other.sessions, id, text);
                assert.equal(session.record, text, 'the record must come back unchanged');
                equalState(session.state, state, 'the state must come back unchanged');
                assert.equal(session.revision, 1, 'the revision must be 1 at creation');
                assert.deepEqual(await other.sessions.nodes(id), ['node-1_A'], 'the node must be the one that holds a live copy');
            }
        }
    },
    {
        id: 'sessions.create.state-names',
        rule: 'names of state fields are opaque text, and a session may have none or many',
        needs: [],
        async run({ one, other, sessionId }) {
            for (const state of [{}, oddState(), Object.fromEntries(range(500).map(number => [`field ${number}`, `${number}`]))]) {
                const id = sessionId();
                await createSession(one, id, { state });
                equalState((await openSession(other.sessions, id)).state, state, 'the state must come back unchanged');
            }
        }
    },
    {
        id: 'sessions.create.large',
        rule: 'records and state fields of more than 1 MB come back unchanged',
        needs: [],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id, { record: over1MB, state: { large: over1MB } });
            const session = await openSession(other.sessions, id);
            assert.ok(session.record === over1MB, 'the record must come back unchanged');
            assert.ok(session.state.large === over1MB, 'the state must come back unchanged');
        }
    },
    {
        id: 'sessions.create.ids',
        rule: 'sessions whose ids look alike or like parts of keys, queries and patterns are different sessions',
        needs: [],
        async run({ one, other, sessionId }) {
            const base = sessionId();
            const suffixes = [
                '',
                'A',
                'a',
                '*',
                '?',
                '%',
                '_',
                ':',
                ':state',
                ':nodes',
                '{}',
                '{',
                '}',
                '{x}y',
                '"',
                "'",
                '\\',
                '\\\\',
                '/',
                '..',
                '#'
            ];
            const ids = [
                ...suffixes.map(suffix => base + suffix),
                `{${base}}`,
                (base + oddText(256)).slice(0, 256),
                oddText(256).slice(base.length) + base,
                `${(base + oddText(256)).slice(0, 255)}!`
            ];
            for (const id of ids) {
                await createSession(one, id, { record: `record of ${id}`, state: { id }, node: 'node' });
            }
            const deleted = ids.filter((_, index) => index % 2 === 0);
            for (const id of deleted) {
                hasStatus(await other.sessions.delete(id, {}), 'ok', `delete of ${id}`);
            }
            for (const id of ids) {
                const answer = await other.sessions.open(id, { ttlMs: longMs });
                if (deleted.includes(id)) {
                    hasStatus(answer, 'missing', `open of the deleted ${id}`);
                } else {
                    const { session } = ok(answer, `open of ${id}`);
                    assert.equal(session.record, `record of ${id}`);
                    equalState(session.state, { id }, `the state of ${id}`);
                }
            }
        }
    },
    {
        id: 'sessions.create.existing',
        rule: 'create answers false for an id that exists, and changes nothing of that session',
        needs: [],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id, { record: 'first', state: { a: '1' }, principal: 'owner', node: 'first-node' });
            for (const { sessions } of [one, other]) {
                const again = newSession({ record: 'second', state: { b: '2' }, principal: 'other', node: 'second-node' });
                assert.equal(await sessions.create(id, again), false, 'create must answer false for an id that exists');
            }
            const session = await openSession(other.sessions, id, 'owner');
            assert.equal(session.record, 'first');
            equalState(session.state, { a: '1' }, 'the state must be that of the first creation');
            assert.equal(session.revision, 1);
            assert.deepEqual(await one.sessions.nodes(id), ['first-node']);
        }
    },
    {
        id: 'sessions.create.concurrent',
        rule: 'of many concurrent creations of one id exactly one wins, and the session is the winner’s',
        needs: [],
        async run({ one, other, sessionId }) {
            for (let round = 0; round < 3; round++) {
                const id = sessionId();
                const answers = await Promise.all(
                    range(50).map(number =>
                        (number % 2 === 0 ? one : other).sessions.create(
                            id,
                            newSession({ record: `record ${number}`, state: { [`field ${number}`]: '' }, node: `node-${number}` })
                        )
                    )
                );
                const winners = range(50).filter(number => answers[number] === true);
                assert.equal(winners.length, 1, `exactly one creation must answer true, not ${winners.length}`);
                const session = await openSession(one.sessions, id);
                assert.equal(session.record, `record ${winners[0]}`);
                equalState(session.state, { [`field ${winners[0]}`]: '' }, 'the state must be the winner’s alone');
                equalSet(await other.sessions.nodes(id), [`node-${winners[0]}`], 'the node must be the winner’s alone');
            }
        }
    },
    {
        id: 'sessions.create.copies',
        rule: 'a store keeps what it was given, not the object in which it was given',
        needs: [],
        async run({ one, sessionId }) {
            const id = sessionId();
            const state: Record<string, string> = { field: 'created' };
            await createSession(one, id, { state });
            state.field = 'changed by the caller';
            equalState((await openSession(one.sessions, id)).state, { field: 'created' }, 'the state as created');
            const change: Record<string, string> = { field: 'updated' };
            assert.equal(await one.sessions.update(id, change), 2);
            change.field = 'changed by the caller';
            equalState((await openSession(one.sessions, id)).state, { field: 'updated' }, 'the state as updated');
        }
    },
    {
        id: 'sessions.create.without-node',
        rule: 'a session that was created or opened without a node is held by none',
        needs: [],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            await openSession(other.sessions, id);
            assert.deepEqual(await other.sessions.nodes(id), []);
            const deletion = ok(await one.sessions.delete(id, {}), 'delete');
            assert.deepEqual(deletion.nodes, []);
        }
    },
    {
        id: 'sessions.update.state-names',
        rule: 'an update sets fields of any name and text',
        needs: [],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id, { record: 'kept' });
            for (const [index, name] of names.entries()) {
                assert.equal(await one.sessions.update(id, Object.fromEntries([[name, name]])), index + 2, 'the revision after an update');
            }
            equalState((await openSession(other.sessions, id)).state, Object.fromEntries(names.map(name => [name, name])), 'the state');
            await other.sessions.update(id, oddState());
            const session = await openSession(one.sessions, id);
            equalState(session.state, { ...Object.fromEntries(names.map(name => [name, name])), ...oddState() }, 'the state');
            assert.equal(session.record, 'kept');
        }
    }
];

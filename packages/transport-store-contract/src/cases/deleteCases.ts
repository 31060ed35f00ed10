import assert from 'node:assert/strict';
import type { ContractCase } from '../contract.js';
import { createSession, equalSet, equalState, hasStatus, longMs, ok, openSession, range } from '../support.js';

/** Deleting a session, and the nodes that must be told. */
export const deleteCases: readonly ContractCase[] = [
    {
        id: 'sessions.delete.gone',
        rule: 'a deleted session is absent at every handle, and its id can be used anew',
        needs: [],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id, { record: 'old', state: { old: '1' }, principal: 'old', node: 'old-node', maxAgeMs: longMs });
            await one.sessions.update(id, { old: '2' });
            hasStatus(await one.sessions.delete(id, { principal: 'old' }), 'ok', 'delete');
            hasStatus(await other.sessions.touch(id, { principal: 'old', ttlMs: longMs }), 'missing', 'touch');
            hasStatus(await other.sessions.touch(id, { principal: 'stranger', ttlMs: longMs }), 'missing', 'touch of a stranger');
            hasStatus(await other.sessions.open(id, { principal: 'old', ttlMs: longMs, node: 'late' }), 'missing', 'open');
            assert.deepEqual(await other.sessions.nodes(id), []);
            await createSession(other, id, { record: 'new' });
            const session = await openSession(one.sessions, id);
            assert.equal(session.record, 'new');
            equalState(session.state, {}, 'the state must be the new one');
            assert.equal(session.revision, 1);
            assert.deepEqual(await one.sessions.nodes(id), []);
        }
    },
    {
        id: 'sessions.delete.twice',
        rule: 'a second deletion finds nothing',
        needs: [],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id);
            hasStatus(await one.sessions.delete(id, {}), 'ok', 'the first delete');
            hasStatus(await other.sessions.delete(id, {}), 'missing', 'the second delete');
        }
    },
    {
        id: 'sessions.delete.concurrent',
        rule: 'of concurrent deletions exactly one succeeds',
        needs: [],
        async run({ one, other, sessionId }) {
            for (let round = 0; round < 10; round++) {
                const id = sessionId();
                await createSession(one, id, { node: 'node' });
                const answers = await Promise.all(range(6).map(number => (number % 2 === 0 ? one : other).sessions.delete(id, {})));
                const winners = answers.filter(({ status }) => status === 'ok');
                assert.equal(winners.length, 1, `exactly one deletion must answer ok, not ${winners.length}`);
                assert.equal(answers.filter(({ status }) => status === 'missing').length, 5, 'the others must answer missing');
            }
        }
    },
    {
        id: 'sessions.nodes.set',
        rule: 'creation and open add the node to a set; delete returns that set',
        needs: [],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id, { node: 'creator' });
            for (const node of ['second', 'creator', 'second', 'T-h_1rd'.padEnd(64, 'x')]) {
                hasStatus(await other.sessions.open(id, { ttlMs: longMs, node }), 'ok', 'open');
            }
            const expected = ['creator', 'second', 'T-h_1rd'.padEnd(64, 'x')];
            equalSet(await one.sessions.nodes(id), expected, 'the nodes that hold a live copy');
            equalSet(ok(await one.sessions.delete(id, {}), 'delete').nodes, expected, 'the nodes that delete returns');
        }
    },
    {
        id: 'sessions.nodes.leave',
        rule: 'leave removes one node, and does nothing if it is not among them',
        needs: [],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id, { node: 'a' });
            await other.sessions.open(id, { ttlMs: longMs, node: 'b' });
            await one.sessions.leave(id, 'c');
            equalSet(await one.sessions.nodes(id), ['a', 'b'], 'the nodes after one left that was not among them');
            await other.sessions.leave(id, 'a');
            equalSet(await one.sessions.nodes(id), ['b'], 'the nodes after one left');
            await other.sessions.leave(id, 'a');
            await one.sessions.leave(id, 'b');
            assert.deepEqual(await other.sessions.nodes(id), [], 'the nodes after all left');
            hasStatus(await one.sessions.touch(id, { ttlMs: longMs }), 'ok', 'touch after all nodes left');
            await one.sessions.open(id, { ttlMs: longMs, node: 'a' });
            assert.deepEqual(ok(await one.sessions.delete(id, {}), 'delete').nodes, ['a']);
        }
    },
    {
        id: 'sessions.nodes.concurrent',
        rule: 'nodes that join concurrently are all remembered',
        needs: [],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id, { node: 'node-0' });
            await Promise.all(
                range(30).map(number => (number % 2 === 0 ? one : other).sessions.open(id, { ttlMs: longMs, node: `node-${number}` }))
            );
            const expected = range(30).map(number => `node-${number}`);
            equalSet(ok(await other.sessions.delete(id, {}), 'delete').nodes, expected, 'the nodes that delete returns');
        }
    },
    {
        id: 'sessions.open.racing-delete',
        rule: 'open and joining the nodes is one step: a racing delete returns the node, or open finds the session missing',
        needs: [],
        async run({ one, other, sessionId }) {
            for (let round = 0; round < 60; round++) {
                const id = sessionId();
                await createSession(one, id, { node: 'creator' });
                const open = () => other.sessions.open(id, { ttlMs: longMs, node: 'opener' });
                const remove = () => one.sessions.delete(id, {});
                // Who is called first alternates, so that neither always wins.
                const [opened, deleted] = round % 2 === 0 ? await Promise.all([open(), remove()]) : await swapped(remove(), open());
                const nodes = ok(deleted, 'delete').nodes;
                const expected = opened.status === 'ok' ? ['creator', 'opener'] : ['creator'];
                equalSet(nodes, expected, `the nodes that delete returns when open answers "${opened.status}"`);
            }
        }
    }
];

async function swapped<First, Second>(first: Promise<First>, second: Promise<Second>): Promise<[Second, First]> {
    const [a, b] = await Promise.all([first, second]);
    return [b, a];
}

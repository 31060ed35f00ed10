import assert from 'node:assert/strict';
import type { ContractCase } from '../contract.js';
import { createSession, equalState, hasStatus, longMs, ok, openSession, shortMs, within, expiry } from '../support.js';

/** Who is let in, and that a stranger leaves no trace. */
export const accessCases: readonly ContractCase[] = [
    {
        id: 'sessions.missing',
        rule: 'every operation on a session that never was says so and makes nothing',
        needs: [],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            const { sessions } = one;
            hasStatus(await sessions.touch(id, { ttlMs: longMs }), 'missing', 'touch');
            hasStatus(await sessions.touch(id, { principal: 'someone', ttlMs: longMs }), 'missing', 'touch with a principal');
            hasStatus(await sessions.open(id, { ttlMs: longMs, node: 'node' }), 'missing', 'open');
            assert.equal(await sessions.update(id, { a: '1' }), undefined, 'update must answer undefined');
            assert.deepEqual(await sessions.nodes(id), [], 'there must be no nodes');
            await sessions.leave(id, 'node');
            hasStatus(await sessions.delete(id, {}), 'missing', 'delete');
            await createSession(other, id, { record: 'new' });
            const session = await openSession(sessions, id);
            equalState(session.state, {}, 'the state must be that of the creation');
            assert.equal(session.revision, 1);
            assert.deepEqual(await sessions.nodes(id), []);
        }
    },
    {
        id: 'sessions.touch.ok',
        rule: 'touch tells the revision, also one that another handle has just made',
        needs: [],
        async run({ one, other, sessionId }) {
            const id = sessionId();
            await createSession(one, id, { state: { a: '1' } });
            assert.equal(ok(await other.sessions.touch(id, { ttlMs: longMs }), 'touch').revision, 1);
            assert.equal(await one.sessions.update(id, { a: '2' }), 2);
            assert.equal(ok(await other.sessions.touch(id, { ttlMs: longMs }), 'touch').revision, 2);
        }
    },
    {
        id: 'sessions.principal.equal',
        rule: 'a request whose principal is that of the session is let in, and so is one without for a session without',
        needs: [],
        async run({ one, other, sessionId }) {
            for (const principal of [undefined, '', 'https://issuer.example|subject']) {
                const id = sessionId();
                await createSession(one, id, { principal });
                hasStatus(await other.sessions.touch(id, { principal, ttlMs: longMs }), 'ok', 'touch');
                hasStatus(await other.sessions.open(id, { principal, ttlMs: longMs, node: 'node' }), 'ok', 'open');
                hasStatus(await other.sessions.delete(id, { principal }), 'ok', 'delete');
            }
        }
    },
    {
        id: 'sessions.principal.other',
        rule: 'any other principal is forbidden to touch, open and delete; an absent principal and an empty one are different',
        needs: [],
        async run({ one, other, sessionId }) {
            const principals = [undefined, '', ' ', 'owner', 'Owner', 'owner ', 'undefined', 'null', 'owner\u0000'];
            for (const principal of principals) {
                const id = sessionId();
                await createSession(one, id, { principal, state: { a: '1' }, node: 'owner-node' });
                for (const stranger of principals.filter(candidate => candidate !== principal)) {
                    const who = `with ${JSON.stringify(stranger)} instead of ${JSON.stringify(principal)}`;
                    hasStatus(await other.sessions.touch(id, { principal: stranger, ttlMs: longMs }), 'forbidden', `touch ${who}`);
                    const opened = await other.sessions.open(id, { principal: stranger, ttlMs: longMs, node: 'stranger-node' });
                    hasStatus(opened, 'forbidden', `open ${who}`);
                    hasStatus(await other.sessions.delete(id, { principal: stranger }), 'forbidden', `delete ${who}`);
                }
                assert.deepEqual(await one.sessions.nodes(id), ['owner-node'], 'a stranger’s open must not join the nodes');
                const session = await openSession(one.sessions, id, principal);
                equalState(session.state, { a: '1' }, 'the state must be as created');
                assert.equal(session.revision, 1);
            }
        }
    },
    {
        id: 'sessions.principal.no-renewal',
        rule: 'a stranger does not renew a session, neither by touch nor by open',
        needs: [],
        async run({ one, other, sessionId, elapse }) {
            const id = await within(shortMs, async () => {
                const id = sessionId();
                await createSession(one, id, { principal: 'owner', node: 'node', ttlMs: shortMs });
                const stranger = { principal: 'stranger', ttlMs: longMs };
                hasStatus(await other.sessions.touch(id, stranger), 'forbidden', 'touch');
                hasStatus(await other.sessions.open(id, stranger), 'forbidden', 'open');
                hasStatus(await other.sessions.delete(id, { principal: 'stranger' }), 'forbidden', 'delete');
                return id;
            });
            await elapse(shortMs);
            await expiry(one, id);
            hasStatus(await one.sessions.touch(id, { principal: 'owner', ttlMs: longMs }), 'missing', 'touch after the lifetime');
        }
    }
];

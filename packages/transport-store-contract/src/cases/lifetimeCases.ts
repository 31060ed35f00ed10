import assert from 'node:assert/strict';
import type { CaseContext, ContractCase, FullStore } from '../contract.js';
import {
    createSession,
    equalState,
    expiry,
    hasStatus,
    keepAll,
    longMs,
    newSession,
    numbered,
    openSession,
    shortMs,
    within
} from '../support.js';

/** Something that renews a session, or must not. */
type Operation = (store: FullStore, id: string) => Promise<void>;

const touch: Operation = async ({ sessions }, id) => hasStatus(await sessions.touch(id, { ttlMs: longMs }), 'ok', 'touch');
const open: Operation = async ({ sessions }, id) => hasStatus(await sessions.open(id, { ttlMs: longMs }), 'ok', 'open');

/** A session with a short lifetime, on which an operation has happened before it was over. Resolves when that lifetime is over. */
async function outlive({ one, other, sessionId, elapse }: CaseContext, operation: Operation, maxAgeMs?: number): Promise<string> {
    const id = await within(shortMs, async () => {
        const id = sessionId();
        await createSession(one, id, { node: 'node', ttlMs: maxAgeMs === undefined ? shortMs : longMs, maxAgeMs });
        await operation(other, id);
        return id;
    });
    await elapse(shortMs);
    return id;
}

function renewing(name: string, operation: Operation): ContractCase {
    return {
        id: `sessions.ttl.${name}`,
        rule: `${name} renews a session: it lives at least ttlMs from then on`,
        needs: [],
        async run(context) {
            const id = await outlive(context, operation);
            hasStatus(await context.one.sessions.touch(id, { ttlMs: longMs }), 'ok', 'touch within the renewed lifetime');
        }
    };
}

function notRenewing(name: string, rule: string, needs: ContractCase['needs'], operation: Operation): ContractCase {
    return {
        id: `sessions.ttl.${name}`,
        rule,
        needs,
        async run(context) {
            const id = await outlive(context, operation);
            await expiry(context.one, id);
            hasStatus(await context.one.sessions.touch(id, { ttlMs: longMs }), 'missing', 'touch after the lifetime');
        }
    };
}

function ageLimited(name: string, operation: Operation): ContractCase {
    return {
        id: `sessions.max-age.${name}`,
        rule: `no ${name} lets a session live longer than maxAgeMs`,
        needs: [],
        async run(context) {
            const id = await outlive(context, operation, shortMs);
            await expiry(context.one, id);
            hasStatus(await context.other.sessions.touch(id, { ttlMs: longMs }), 'missing', 'touch after maxAgeMs');
        }
    };
}

/** How long a session lives. */
export const lifetimeCases: readonly ContractCase[] = [
    renewing('touch', touch),
    renewing('open', open),
    {
        id: 'sessions.ttl.sliding',
        rule: 'every touch renews a session, not only the first',
        needs: [],
        async run({ one, other, sessionId, elapse }) {
            const id = await within(shortMs, async () => {
                const id = sessionId();
                await createSession(one, id, { ttlMs: shortMs });
                for (const ttlMs of [shortMs, shortMs, longMs]) {
                    hasStatus(await other.sessions.touch(id, { ttlMs }), 'ok', 'touch');
                }
                return id;
            });
            await elapse(shortMs);
            hasStatus(await one.sessions.touch(id, { ttlMs: longMs }), 'ok', 'touch within the renewed lifetime');
        }
    },
    {
        id: 'sessions.ttl.not-shortened',
        rule: 'a renewal with a shorter ttlMs does not take back what a longer one has promised',
        needs: [],
        async run({ one, other, sessionId, elapse }) {
            const id = sessionId();
            await createSession(one, id, { ttlMs: longMs });
            hasStatus(await other.sessions.touch(id, { ttlMs: 1 }), 'ok', 'touch');
            hasStatus(await other.sessions.open(id, { ttlMs: 1 }), 'ok', 'open');
            await elapse(shortMs);
            hasStatus(await one.sessions.touch(id, { ttlMs: 1 }), 'ok', 'touch within the longer lifetime');
        }
    },
    notRenewing('update', 'update, nodes and leave do not renew a session', [], async ({ sessions }, id) => {
        assert.equal(await sessions.update(id, { a: '1' }), 2);
        await sessions.nodes(id);
        await sessions.leave(id, 'another-node');
    }),
    notRenewing('create', 'a creation that fails because the session exists does not renew it', [], async ({ sessions }, id) => {
        assert.equal(await sessions.create(id, newSession({ ttlMs: longMs })), false);
    }),
    notRenewing('streams', 'writing, reading and holding streams does not renew a session', ['streams'], async ({ streams }, id) => {
        hasStatus(await streams.append(id, 'appended', numbered([1]), keepAll), 'ok', 'append');
        hasStatus(await streams.publish(id, 'published', ['event'], keepAll), 'ok', 'publish');
        hasStatus(await streams.read(id, 'published', undefined, 10), 'ok', 'read');
        hasStatus(await streams.hold(id, 'published', 'holder'), 'ok', 'hold');
        await streams.release(id, 'published', 'holder');
    }),
    ageLimited('touch', touch),
    ageLimited('open', open),
    {
        id: 'sessions.max-age.beyond-ttl',
        rule: 'maxAgeMs does not keep a session alive that is not renewed',
        needs: [],
        async run({ one, sessionId, elapse }) {
            const id = sessionId();
            await createSession(one, id, { node: 'node', ttlMs: shortMs, maxAgeMs: longMs });
            await elapse(shortMs);
            await expiry(one, id);
        }
    },
    {
        id: 'sessions.expiry.absent',
        rule: 'a session that has expired is absent to every operation, whichever comes first, and none brings it back',
        needs: [],
        async run({ one, other, sessionId, elapse }) {
            const operations: readonly (readonly [string, (id: string) => Promise<unknown>, unknown])[] = [
                ['touch', async id => (await other.sessions.touch(id, { ttlMs: longMs })).status, 'missing'],
                ['touch of a stranger', async id => (await other.sessions.touch(id, { principal: 'x', ttlMs: longMs })).status, 'missing'],
                ['open', async id => (await other.sessions.open(id, { ttlMs: longMs, node: 'late' })).status, 'missing'],
                ['update', id => other.sessions.update(id, { late: '1' }), undefined],
                ['nodes', async id => (await other.sessions.nodes(id)).length, 0],
                ['leave', id => other.sessions.leave(id, 'node'), undefined],
                ['delete', async id => (await other.sessions.delete(id, {})).status, 'missing'],
                ['delete of a stranger', async id => (await other.sessions.delete(id, { principal: 'x' })).status, 'missing']
            ];
            const ids = await Promise.all(
                operations.map(async () => {
                    const id = sessionId();
                    await createSession(one, id, { state: { old: '1' }, node: 'node', ttlMs: shortMs });
                    return id;
                })
            );
            await elapse(shortMs);
            for (const [index, [name, operation, expected]] of operations.entries()) {
                const id = ids[index] ?? '';
                assert.deepEqual(await operation(id), expected, `${name} on an expired session`);
                hasStatus(await one.sessions.touch(id, { ttlMs: longMs }), 'missing', `touch after ${name} on an expired session`);
            }
        }
    },
    {
        id: 'sessions.expiry.created-anew',
        rule: 'after its expiry a session can be created anew, and nothing of the old one is left',
        needs: [],
        async run({ one, other, sessionId, elapse }) {
            const id = sessionId();
            await createSession(one, id, {
                record: 'old',
                state: { old: '1' },
                principal: 'old',
                node: 'old-node',
                ttlMs: shortMs,
                maxAgeMs: shortMs
            });
            await elapse(shortMs);
            await expiry(one, id);
            await createSession(other, id, { record: 'new', state: { new: '1' } });
            const session = await openSession(one.sessions, id);
            assert.equal(session.record, 'new');
            equalState(session.state, { new: '1' }, 'the state must be the new one alone');
            assert.equal(session.revision, 1, 'the revision must start at 1 again');
            assert.deepEqual(await one.sessions.nodes(id), [], 'the nodes of the old session must be forgotten');
            await elapse(shortMs);
            hasStatus(await one.sessions.touch(id, { ttlMs: longMs }), 'ok', 'touch beyond the age limit of the old session');
        }
    }
];

import assert from 'node:assert/strict';
import type { ContractCase } from '../contract.js';
import { equalSet, longMs, shortMs, within } from '../support.js';
import { eventually } from '../waiting.js';

/** Which nodes are alive. */
export const leaseCases: readonly ContractCase[] = [
    {
        id: 'inboxes.lease.join-leave',
        rule: 'a node is alive from join to leave, at every handle',
        needs: ['inboxes'],
        async run({ one, other, nodeId }) {
            const [node, absent] = [nodeId(), nodeId()];
            await one.inboxes.join(node, longMs);
            for (const { inboxes } of [one, other]) {
                assert.deepEqual(await inboxes.alive([node]), [node]);
                assert.equal(await inboxes.renew(node, longMs), true, 'renew must answer true while the lease runs');
                assert.equal(await inboxes.send(node, ['message']), true, 'send must answer true while the lease runs');
                equalSet(await inboxes.alive([absent, node, nodeId()]), [node], 'only the node that joined');
                assert.deepEqual(await inboxes.alive([]), [], 'none of no nodes');
            }
            await other.inboxes.leave(node);
            for (const { inboxes } of [one, other]) {
                assert.deepEqual(await inboxes.alive([node]), []);
                assert.equal(await inboxes.send(node, ['message']), false, 'send must answer false after the node left');
                assert.equal(await inboxes.renew(node, longMs), false, 'renew must answer false after the node left');
                assert.deepEqual(await inboxes.alive([node]), [], 'a renewal that failed must not start a lease');
            }
            await one.inboxes.leave(node);
        }
    },
    {
        id: 'inboxes.lease.never-joined',
        rule: 'a node that never joined is not alive: it can neither be sent to nor renewed',
        needs: ['inboxes'],
        async run({ one, other, nodeId }) {
            const node = nodeId();
            assert.equal(await one.inboxes.send(node, ['message']), false);
            assert.equal(await one.inboxes.renew(node, longMs), false);
            assert.deepEqual(await other.inboxes.alive([node]), []);
        }
    },
    {
        id: 'inboxes.lease.ids',
        rule: 'node ids of every allowed character and length are different nodes',
        needs: ['inboxes'],
        async run({ one, other, nodeId }) {
            const base = nodeId().slice(-20);
            const nodes = [
                base,
                `${base}_`,
                `${base}-`,
                `${base}A`,
                `${base}a`,
                `-${base}`,
                `_${base}`,
                base.padEnd(64, 'x'),
                base.padEnd(63, 'x')
            ];
            const joined = nodes.filter((_, index) => index % 2 === 0);
            for (const node of joined) {
                await one.inboxes.join(node, longMs);
            }
            equalSet(await other.inboxes.alive(nodes), joined, 'the nodes that joined, and no others');
            for (const node of joined.slice(1)) {
                await other.inboxes.leave(node);
            }
            assert.deepEqual(await one.inboxes.alive(nodes), [base], 'the node that did not leave');
        }
    },
    {
        id: 'inboxes.lease.expiry',
        rule: 'a node whose lease has ended is dead: not alive, not sent to, and never renewed',
        needs: ['inboxes'],
        async run({ one, other, nodeId, elapse }) {
            // One node for each operation, which may be the first to meet a lease that has ended.
            const [asked, sentTo, renewed, lasting] = [nodeId(), nodeId(), nodeId(), nodeId()];
            for (const node of [asked, sentTo, renewed]) {
                await one.inboxes.join(node, shortMs);
            }
            await one.inboxes.join(lasting, longMs);
            await elapse(shortMs);
            await eventually('the lease has ended', async () => (await other.inboxes.alive([asked])).length === 0);
            assert.equal(await other.inboxes.send(sentTo, ['message']), false, 'send to a dead node');
            assert.equal(await one.inboxes.renew(renewed, longMs), false, 'renewal of a lease that has ended');
            assert.equal(await one.inboxes.renew(renewed, longMs), false, 'second renewal of a lease that has ended');
            assert.deepEqual(await other.inboxes.alive([asked, sentTo, renewed, lasting]), [lasting]);
        }
    },
    {
        id: 'inboxes.lease.renewal',
        rule: 'renew lets a lease run on from then',
        needs: ['inboxes'],
        async run({ one, other, nodeId, elapse }) {
            const node = await within(shortMs, async () => {
                const node = nodeId();
                await one.inboxes.join(node, shortMs);
                for (const leaseMs of [shortMs, longMs]) {
                    assert.equal(await one.inboxes.renew(node, leaseMs), true);
                }
                return node;
            });
            await elapse(shortMs);
            assert.deepEqual(await other.inboxes.alive([node]), [node]);
            assert.equal(await other.inboxes.send(node, ['message']), true);
            assert.equal(await one.inboxes.renew(node, longMs), true);
        }
    },
    {
        id: 'inboxes.lease.no-extension',
        rule: 'messages do not extend a lease',
        needs: ['inboxes'],
        async run({ one, other, nodeId, elapse }) {
            const node = await within(shortMs, async () => {
                const node = nodeId();
                await one.inboxes.join(node, shortMs);
                assert.equal(await other.inboxes.send(node, ['message']), true);
                return node;
            });
            await elapse(shortMs);
            await eventually('the lease has ended', async () => (await other.inboxes.alive([node])).length === 0);
            assert.equal(await one.inboxes.renew(node, longMs), false);
        }
    }
];

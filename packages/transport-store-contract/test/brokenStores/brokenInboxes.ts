import type { NodeInboxes } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { override } from '../support/delegates.js';
import { connectedBackend } from '../support/memoryBackends.js';
import { type BrokenStore, DefaultMap, pause } from './brokenStore.js';

const longMs = 120_000;

function broken(defect: string, fails: readonly string[], change: (inboxes: NodeInboxes) => Partial<NodeInboxes>): BrokenStore {
    return { defect, fails, backend: () => connectedBackend(store => override(store, { inboxes: change(store.inboxes) })) };
}

/** Changes every batch of messages before it is delivered. */
function delivering(change: (messages: readonly string[]) => readonly string[]): (inboxes: NodeInboxes) => Partial<NodeInboxes> {
    return inboxes => ({
        receive: (node, onMessages, onError) => inboxes.receive(node, messages => onMessages(change(messages)), onError)
    });
}

/** Changes every node id. */
function renaming(change: (node: string) => string): (inboxes: NodeInboxes) => Partial<NodeInboxes> {
    return inboxes => ({
        join: (node, leaseMs) => inboxes.join(change(node), leaseMs),
        renew: (node, leaseMs) => inboxes.renew(change(node), leaseMs),
        leave: node => inboxes.leave(change(node)),
        async alive(nodes) {
            const alive = await inboxes.alive(nodes.map(change));
            return nodes.filter(node => alive.includes(change(node)));
        },
        send: (node, messages) => inboxes.send(change(node), messages),
        receive: (node, ...rest) => inboxes.receive(change(node), ...rest)
    });
}

/** Stores that get leases and inboxes wrong. */
export const brokenInboxes: readonly BrokenStore[] = [
    broken('keeps a node that leaves', ['inboxes.lease.join-leave'], () => ({ leave: async () => {} })),
    broken('says that all nodes are alive', ['inboxes.lease.join-leave', 'inboxes.lease.never-joined', 'inboxes.lease.expiry'], () => ({
        alive: async nodes => nodes
    })),
    broken('sends to nodes that never joined', ['inboxes.lease.never-joined', 'inboxes.send.refused'], inboxes => ({
        async send(node, messages) {
            if (!(await inboxes.send(node, messages))) {
                await inboxes.join(node, longMs);
                await inboxes.send(node, messages);
            }
            return true;
        }
    })),
    broken(
        'ignores the case of node ids',
        ['inboxes.lease.ids'],
        renaming(node => node.toLowerCase())
    ),
    broken(
        'cuts node ids after 63 characters',
        ['inboxes.lease.ids'],
        renaming(node => node.slice(0, 63))
    ),
    broken('lets leases run for ever', ['inboxes.lease.expiry', 'inboxes.lease.no-extension', 'inboxes.join.empties'], inboxes => ({
        join: node => inboxes.join(node, longMs),
        renew: node => inboxes.renew(node, longMs)
    })),
    broken(
        'renews a lease that has ended',
        ['inboxes.lease.expiry', 'inboxes.lease.no-extension', 'inboxes.lease.join-leave'],
        inboxes => ({
            async renew(node, leaseMs) {
                await inboxes.join(node, leaseMs);
                return true;
            }
        })
    ),
    broken('only says that it renews', ['inboxes.lease.renewal'], inboxes => ({
        renew: async node => (await inboxes.alive([node])).length > 0
    })),
    broken('extends the lease of a node that it sends to', ['inboxes.lease.no-extension'], inboxes => ({
        async send(node, messages) {
            await inboxes.renew(node, longMs);
            return inboxes.send(node, messages);
        }
    })),
    broken('joins messages with line feeds', ['inboxes.receive.round-trip'], inboxes => ({
        send: (node, messages) => inboxes.send(node, messages.join('\n').split('\n'))
    })),
    broken('cuts messages after 8,000 characters', ['inboxes.receive.round-trip'], inboxes => ({
        send: (node, messages) =>
            inboxes.send(
                node,
                messages.map(message => message.slice(0, 8000))
            )
    })),
    broken('keeps nothing for a node that does not receive yet', ['inboxes.receive.sent-before', 'inboxes.receive.thousand'], inboxes => {
        const receiving = new Set<string>();
        return {
            send: async (node, messages) =>
                receiving.has(node) ? inboxes.send(node, messages) : (await inboxes.alive([node])).includes(node),
            async receive(node, ...rest) {
                receiving.add(node);
                return inboxes.receive(node, ...rest);
            }
        };
    }),
    broken(
        'delivers the newest message first',
        ['inboxes.receive.sent-before', 'inboxes.receive.thousand', 'inboxes.receive.round-trip'],
        delivering(messages => [...messages].reverse())
    ),
    broken('lets every third message wait a little', ['inboxes.receive.senders', 'inboxes.receive.thousand'], inboxes => {
        let deliveries = 0;
        return {
            receive: (node, onMessages, onError) =>
                inboxes.receive(
                    node,
                    messages => {
                        const deliver = () => onMessages(messages);
                        if (deliveries++ % 3 === 0) {
                            void pause().then(pause).then(deliver);
                        } else {
                            deliver();
                        }
                    },
                    onError
                )
        };
    }),
    broken(
        'keeps a hundred messages',
        ['inboxes.receive.thousand'],
        delivering(messages => messages.slice(-100))
    ),
    broken('delivers once and then no more', ['inboxes.receive.wakes', 'inboxes.receive.isolated'], inboxes => ({
        receive(node, onMessages, onError) {
            let delivered = false;
            return inboxes.receive(
                node,
                messages => {
                    if (!delivered) {
                        delivered = true;
                        onMessages(messages);
                    }
                },
                onError
            );
        }
    })),
    broken('delivers all messages to all nodes', ['inboxes.receive.isolated'], inboxes => {
        const nodes = new Set<string>();
        return {
            join(node, leaseMs) {
                nodes.add(node);
                return inboxes.join(node, leaseMs);
            },
            async send(node, messages) {
                const sent = await inboxes.send(node, messages);
                for (const another of [...nodes].filter(candidate => candidate !== node)) {
                    await inboxes.send(another, messages);
                }
                return sent;
            }
        };
    }),
    broken('goes on delivering to a closed subscription', ['inboxes.receive.closed'], inboxes => {
        const receivers = new DefaultMap<((messages: readonly string[]) => void)[]>(() => []);
        return {
            receive(node, onMessages, onError) {
                receivers.get(node).push(onMessages);
                return inboxes.receive(node, messages => receivers.get(node).forEach(receiver => receiver(messages)), onError);
            }
        };
    }),
    broken('empties the inbox when a subscription is closed', ['inboxes.receive.closed'], inboxes => ({
        async receive(node, ...rest) {
            const subscription = await inboxes.receive(node, ...rest);
            return {
                async close() {
                    await subscription.close();
                    const drain = await inboxes.receive(
                        node,
                        () => {},
                        () => {}
                    );
                    for (let waited = 0; waited < 10; waited++) {
                        await pause();
                    }
                    await drain.close();
                }
            };
        }
    })),
    broken('keeps the inbox of a node that joins anew', ['inboxes.join.empties'], inboxes => ({
        async join(node, leaseMs) {
            if (!(await inboxes.renew(node, leaseMs))) {
                await inboxes.join(node, leaseMs);
            }
        }
    })),
    broken('keeps what it refuses for when the node joins', ['inboxes.send.refused', 'inboxes.join.empties'], inboxes => {
        const refused = new DefaultMap<string[]>(() => []);
        return {
            async join(node, leaseMs) {
                await inboxes.join(node, leaseMs);
                await inboxes.send(node, refused.get(node));
            },
            async send(node, messages) {
                refused.get(node).push(...messages);
                return inboxes.send(node, messages);
            }
        };
    })
];

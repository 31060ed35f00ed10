import assert from 'node:assert/strict';
import type { ContractCase } from '../contract.js';
import { InboxReader, receiving, send } from '../inboxReader.js';
import { over1MB, over8KB, texts } from '../samples.js';
import { longMs, range, shortMs } from '../support.js';
import { eventually } from '../waiting.js';

/** Messages to nodes. */
export const deliveryCases: readonly ContractCase[] = [
    {
        id: 'inboxes.receive.round-trip',
        rule: 'messages arrive unchanged and in order, whatever text and however long they are',
        needs: ['inboxes'],
        async run({ one, other, nodeId }) {
            const node = nodeId();
            await one.inboxes.join(node, longMs);
            await receiving(one, node, async reader => {
                const messages = [...texts, over8KB, over1MB];
                await send(other, node, messages.slice(0, 4));
                for (const message of messages.slice(4)) {
                    await send(other, node, [message]);
                }
                await reader.untilCount(messages.length);
                assert.ok(
                    reader.messages.every((message, index) => message === messages[index]),
                    'the messages must arrive unchanged and in order'
                );
            });
        }
    },
    {
        id: 'inboxes.receive.sent-before',
        rule: 'what was sent before the delivery began is delivered, from the oldest message on',
        needs: ['inboxes'],
        async run({ one, other, nodeId }) {
            const node = nodeId();
            await one.inboxes.join(node, longMs);
            await send(other, node, ['1', '2']);
            await send(one, node, ['3']);
            await receiving(one, node, async reader => {
                await send(other, node, ['4']);
                await reader.until('4');
                assert.deepEqual(reader.messages, ['1', '2', '3', '4']);
            });
        }
    },
    {
        id: 'inboxes.receive.senders',
        rule: 'the messages of each of several senders arrive in its order, also when it does not wait for its calls',
        needs: ['inboxes'],
        async run({ one, other, open, nodeId }) {
            const node = nodeId();
            await one.inboxes.join(node, longMs);
            const senders = [other, await open(), one];
            const messagesOf = (sender: number) => range(100).map(number => `${sender} ${number}`);
            await receiving(one, node, async reader => {
                await Promise.all(senders.flatMap((store, sender) => messagesOf(sender).map(message => send(store, node, [message]))));
                await reader.untilCount(300);
                for (const sender of range(senders.length)) {
                    assert.deepEqual(
                        reader.messages.filter(message => message.startsWith(`${sender} `)),
                        messagesOf(sender),
                        `the messages of sender ${sender}`
                    );
                }
            });
        }
    },
    {
        id: 'inboxes.receive.thousand',
        rule: 'a thousand messages at once are delivered, in order',
        needs: ['inboxes'],
        async run({ one, other, nodeId }) {
            const node = nodeId();
            await one.inboxes.join(node, longMs);
            const messages = range(2000).map(number => `message ${number}`);
            await send(other, node, messages.slice(0, 1000));
            await receiving(one, node, async reader => {
                await send(other, node, messages.slice(1000));
                await reader.untilCount(messages.length);
                assert.deepEqual(reader.messages, messages);
            });
        }
    },
    {
        id: 'inboxes.receive.wakes',
        rule: 'a delivery that has nothing to do takes up what is sent later',
        needs: ['inboxes'],
        async run({ one, other, nodeId }) {
            const node = nodeId();
            await one.inboxes.join(node, longMs);
            await receiving(one, node, async reader => {
                for (const message of ['first', 'second', 'third']) {
                    await send(other, node, [message]);
                    await reader.until(message);
                }
                assert.deepEqual(reader.messages, ['first', 'second', 'third']);
            });
        }
    },
    {
        id: 'inboxes.receive.isolated',
        rule: 'a node gets its own messages only',
        needs: ['inboxes'],
        async run({ one, other, nodeId }) {
            const [a, b] = [nodeId(), nodeId()];
            await one.inboxes.join(a, longMs);
            await other.inboxes.join(b, longMs);
            await receiving(one, a, readerOfA =>
                receiving(other, b, async readerOfB => {
                    for (const [store, node, message] of [
                        [one, b, 'b 1'],
                        [other, a, 'a 1'],
                        [other, b, 'b 2'],
                        [one, a, 'a 2']
                    ] as const) {
                        await send(store, node, [message]);
                    }
                    await readerOfA.until('a 2');
                    await readerOfB.until('b 2');
                    assert.deepEqual(
                        [readerOfA.messages, readerOfB.messages],
                        [
                            ['a 1', 'a 2'],
                            ['b 1', 'b 2']
                        ]
                    );
                })
            );
        }
    },
    {
        id: 'inboxes.receive.closed',
        rule: 'nothing is delivered to a closed subscription; what is sent then waits for the next one',
        needs: ['inboxes'],
        async run({ one, other, nodeId }) {
            const node = nodeId();
            await one.inboxes.join(node, longMs);
            const closed = await InboxReader.start(one, node);
            await send(other, node, ['early']);
            await closed.until('early');
            // Some of these may be on their way to the subscription while it closes.
            const sent = Promise.all(range(20).map(number => send(other, node, [`late ${number}`])));
            await closed.close();
            const delivered = closed.delivered.length;
            await sent;
            await send(other, node, ['last']);
            await receiving(one, node, async reader => {
                await reader.until('last');
                assert.equal(closed.delivered.length, delivered, 'no message may be delivered after close has resolved');
                const expected = ['early', ...range(20).map(number => `late ${number}`), 'last'];
                assert.deepEqual(
                    [...new Set([...closed.messages, ...reader.messages])].sort(),
                    expected.sort(),
                    'no message may be lost between the two subscriptions'
                );
            });
        }
    },
    {
        id: 'inboxes.join.empties',
        rule: 'join makes an empty inbox: what was sent before, or before the node left or died, is not delivered',
        needs: ['inboxes'],
        async run({ one, other, nodeId, elapse }) {
            const [joinedTwice, left, dead] = [nodeId(), nodeId(), nodeId()];
            await one.inboxes.join(joinedTwice, longMs);
            await send(other, joinedTwice, ['old 1', 'old 2']);
            await one.inboxes.join(left, longMs);
            await send(other, left, ['old 1', 'old 2']);
            await one.inboxes.leave(left);
            await one.inboxes.join(dead, shortMs);
            await other.inboxes.send(dead, ['old 1', 'old 2']);
            await elapse(shortMs);
            await eventually('the lease has ended', async () => (await other.inboxes.alive([dead])).length === 0);
            for (const node of [joinedTwice, left, dead]) {
                await one.inboxes.join(node, longMs);
                await receiving(one, node, async reader => {
                    await send(other, node, ['new']);
                    await reader.until('new');
                    assert.deepEqual(reader.messages, ['new']);
                });
            }
        }
    },
    {
        id: 'inboxes.send.refused',
        rule: 'what was sent to a node that is not alive is kept nowhere',
        needs: ['inboxes'],
        async run({ one, other, nodeId }) {
            const node = nodeId();
            assert.equal(await other.inboxes.send(node, ['too early']), false);
            await one.inboxes.join(node, longMs);
            await one.inboxes.leave(node);
            assert.equal(await other.inboxes.send(node, ['too late']), false);
            await one.inboxes.join(node, longMs);
            await receiving(one, node, async reader => {
                await send(other, node, ['in time']);
                await reader.until('in time');
                assert.deepEqual(reader.messages, ['in time']);
            });
        }
    }
];

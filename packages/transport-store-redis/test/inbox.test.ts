import { randomUUID } from 'node:crypto';
import type { InboxSubscription } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RedisTransportStoreOptions } from '../src/index.js';
import { absenceOfServer, titled } from './support/availability.js';
import { findRedis, type TestRedis } from './support/redisServer.js';
import { longMs, openStore, type OpenStore, storeErrorOf } from './support/stores.js';
import { TcpProxy } from './support/tcpProxy.js';

/** What was delivered, and a way to wait for more. */
class Received {
    readonly messages: string[] = [];
    readonly errors: Error[] = [];
    #changed = () => {};

    readonly onMessages = (messages: readonly string[]) => {
        this.messages.push(...messages);
        this.#changed();
    };
    readonly onError = (error: Error) => {
        this.errors.push(error);
        this.#changed();
    };

    /** Resolves when the condition holds; the time limit of the test is for the case that it never does. */
    async until(condition: () => boolean): Promise<void> {
        while (!condition()) {
            await new Promise<void>(resolve => {
                this.#changed = resolve;
            });
        }
    }
}

describe.skipIf(absenceOfServer)(titled('delivery of an inbox', absenceOfServer), () => {
    let redis: TestRedis;
    let proxy: TcpProxy;
    const opened: OpenStore[] = [];
    const subscriptions: InboxSubscription[] = [];

    beforeAll(async () => {
        redis = await findRedis();
    });
    afterAll(() => redis.dispose());
    beforeEach(async () => {
        const { hostname, port } = new URL(redis.url);
        proxy = await TcpProxy.start({ host: hostname, port: Number(port) });
    });
    afterEach(async () => {
        await Promise.all(subscriptions.splice(0).map(subscription => subscription.close()));
        opened.splice(0).forEach(({ close }) => close());
        await proxy.close();
    });

    /** A node that has joined, on the other side of the proxy, and somebody who sends to it from this side. */
    async function nodeAndSender(options: RedisTransportStoreOptions = {}) {
        const sender = await openStore(redis.url, options);
        const far = await openStore(proxy.url, { ...options, keyPrefix: sender.keyPrefix });
        opened.push(sender, far);
        const node = randomUUID();
        await far.store.inboxes.join(node, longMs);
        const received = new Received();
        const receive = async () => {
            const subscription = await far.store.inboxes.receive(node, received.onMessages, received.onError);
            subscriptions.push(subscription);
            return subscription;
        };
        const send = (...messages: string[]) => sender.store.inboxes.send(node, messages);
        return { sender, far, node, received, receive, send, inbox: sender.keys.inbox(node) };
    }

    /** Ids of the connections that wait for messages. */
    async function waitingConnections({ client, keyPrefix }: OpenStore): Promise<string[]> {
        const clients = String(await client.sendCommand(['CLIENT', 'LIST'])).split('\n');
        const ours = clients.filter(line => line.includes(`name=${keyPrefix}`) && line.includes('cmd=xread'));
        return ours.flatMap(line => /^id=(\d+)/.exec(line)?.[1] ?? []);
    }

    test('goes on after its connection was killed, and misses nothing', async () => {
        const { sender, received, receive, send } = await nodeAndSender();
        await receive();
        await send('before');
        await received.until(() => received.messages.length === 1);

        for (const id of await waitingConnections(sender)) {
            await sender.client.sendCommand(['CLIENT', 'KILL', 'ID', id]);
            await send('while broken');
        }
        await received.until(() => received.messages.length === 2);
        await send('after');
        await received.until(() => received.messages.length === 3);

        expect(received.messages).toEqual(['before', 'while broken', 'after']);
        expect(received.errors).toEqual([expect.objectContaining(storeErrorOf('STORE_UNAVAILABLE'))]);
    });

    test('goes on after a connection went silent without an end, as behind a firewall', async () => {
        const { received, receive, send } = await nodeAndSender();
        await receive();
        await proxy.loseAnswers();
        await send('unheard');
        await received.until(() => received.errors.length > 0);
        // The first connection that is to replace it goes silent too.
        await proxy.connections(1);
        await proxy.loseAnswers();
        proxy.passAnswers();
        await received.until(() => received.messages.length > 0);
        expect(received.messages).toEqual(['unheard']);
    });

    test('reports an interruption once, however long it takes to connect again', async () => {
        const { received, receive, send } = await nodeAndSender();
        await receive();
        proxy.refuse(true);
        proxy.cut();
        await received.until(() => received.errors.length > 0);
        // Refused meanwhile: the client of the node and the receiver.
        await proxy.refusals(10);
        proxy.refuse(false);
        await send('after');
        await received.until(() => received.messages.length > 0);
        expect(received.errors).toHaveLength(1);
    });

    test('closing the subscription ends its connection at once, without waiting for the answer to its last reading', async () => {
        const { receive } = await nodeAndSender();
        const subscription = await receive();
        const { answered, size } = proxy;
        await subscription.close();
        await proxy.closures(1);
        expect(proxy.size).toBe(size - 1);
        expect(proxy.answered).toBe(answered);
    });

    test('a node that joins anew while it receives gets what is sent from then on', async () => {
        const { far, node, received, receive, send } = await nodeAndSender();
        await receive();
        await send('1', '2', '3');
        await received.until(() => received.messages.length === 3);
        for (const message of ['after the first time', 'after the second time']) {
            await far.store.inboxes.leave(node);
            await far.store.inboxes.join(node, longMs);
            await far.store.inboxes.join(node, longMs);
            await send(message);
            await received.until(() => received.messages.at(-1) === message);
        }
        // The counts begin anew, which must not be taken for a loss.
        expect(received.errors).toEqual([]);
    });

    test('after a subscription was closed, the next one gets what the first one did not', async () => {
        const { sender, received, receive, send } = await nodeAndSender();
        const subscription = await receive();
        await send('first');
        await received.until(() => received.messages.length === 1);
        await subscription.close();
        await expect.poll(() => waitingConnections(sender)).toEqual([]);

        await send('second');
        await receive();
        await received.until(() => received.messages.at(-1) === 'second');
        // At least once: the first one had not been removed when the subscription was closed.
        expect(received.messages.filter(message => message !== 'first')).toEqual(['second']);
    });

    test('delivered messages do not stay in the inbox', async () => {
        const { sender, received, receive, send, inbox } = await nodeAndSender();
        await receive();
        await send('first', 'second');
        await received.until(() => received.messages.length === 2);
        // They are removed with the next reading, which the third message wakes.
        await send('third');
        await received.until(() => received.messages.length === 3);
        const left = await sender.client.sendCommand(['XLEN', inbox]);
        expect(left).toBeLessThanOrEqual(1);
    });

    test('delivers a backlog of many messages in their order', async () => {
        const { received, receive, send } = await nodeAndSender();
        const messages = Array.from({ length: 3_000 }, (_, index) => String(index));
        await Promise.all(messages.map(message => send(message)));
        await receive();
        await received.until(() => received.messages.length === messages.length);
        expect(received.messages).toEqual(messages);
    });

    test('tells the receiver when messages were dropped because the inbox was full', async () => {
        const { received, receive, send } = await nodeAndSender({ maxInboxMessages: 100 });
        await receive();
        await send('first');
        await received.until(() => received.messages.length === 1);
        proxy.refuse(true);
        proxy.cut();
        const messages = Array.from({ length: 1_000 }, (_, index) => String(index));
        for (const message of messages) {
            await send(message);
        }
        proxy.refuse(false);
        await received.until(() => received.messages.at(-1) === '999');

        const kept = received.messages.slice(1);
        expect(kept).toEqual(messages.slice(-kept.length));
        expect(kept.length).toBeGreaterThanOrEqual(100);
        expect(kept.length).toBeLessThanOrEqual(200);
        const full = received.errors.find(error => 'code' in error && error.code === 'STORE_FULL');
        expect(full?.message).toContain(`${messages.length - kept.length} messages`);
    });

    test('reports what something else has written to the inbox, and goes on', async () => {
        const { sender, received, receive, send, inbox } = await nodeAndSender();
        await receive();
        await sender.client.sendCommand(['XADD', inbox, '0-1', 'foreign', 'entry']);
        await send('message');
        await received.until(() => received.messages.length > 0);
        expect(received.messages).toEqual(['message']);
        expect(received.errors).toEqual([expect.objectContaining(storeErrorOf('STORE_CORRUPT'))]);
    });

    test('reports a receiver that throws, and goes on', async () => {
        const { far, node, received, send } = await nodeAndSender();
        const failing = (messages: readonly string[]) => {
            received.onMessages(messages);
            throw new Error(`can't take ${messages.join()}`);
        };
        subscriptions.push(await far.store.inboxes.receive(node, failing, received.onError));
        await send('first');
        await received.until(() => received.errors.length === 1);
        await send('second');
        await received.until(() => received.errors.length === 2);
        expect(received.messages).toEqual(['first', 'second']);
        expect(received.errors.map(({ message }) => message)).toEqual(["can't take first", "can't take second"]);
    });

    test('receive rejects if there is no connection to be had', async () => {
        const { receive } = await nodeAndSender();
        proxy.refuse(true);
        await expect(receive()).rejects.toMatchObject(storeErrorOf('STORE_UNAVAILABLE'));
    });
});

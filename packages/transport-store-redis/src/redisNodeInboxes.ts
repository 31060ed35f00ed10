import type { InboxSubscription, NodeInboxes } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { checkedDuration } from './arguments.js';
import { InboxReceiver } from './inboxReceiver.js';
import type { KeyLayout } from './keys.js';
import { OrderedBatches } from './orderedBatches.js';
import type { RedisCommands } from './redisCommands.js';
import { arrayOf, integerOf } from './replies.js';
import { findLeases, joinInbox, sendMessages } from './scripts/inboxScripts.js';

/** {@link NodeInboxes} in Redis. */
export class RedisNodeInboxes implements NodeInboxes {
    readonly #redis: RedisCommands;
    readonly #keys: KeyLayout;
    readonly #maxMessages: string;
    readonly #messageTtlMs: string;
    readonly #sends = new OrderedBatches<readonly string[], boolean>({
        run: (node, sends) => this.#send(node, sends),
        textsOf: messages => messages,
        mayJoin: () => true,
        failsBehind: false
    });

    /**
     * @param maxMessages most messages that wait in an inbox.
     * @param messageTtlMs milliseconds for which an inbox lives after its last message.
     */
    constructor(redis: RedisCommands, keys: KeyLayout, maxMessages: number, messageTtlMs: number) {
        this.#redis = redis;
        this.#keys = keys;
        this.#maxMessages = String(maxMessages);
        this.#messageTtlMs = String(messageTtlMs);
    }

    async join(node: string, leaseMs: number): Promise<void> {
        await this.#redis.run(joinInbox, this.#inboxKeys(node), [checkedDuration('leaseMs', leaseMs)], 'repeatable');
    }

    async renew(node: string, leaseMs: number): Promise<boolean> {
        const key = this.#keys.lease(node);
        return integerOf(await this.#redis.send(key, ['PEXPIRE', key, checkedDuration('leaseMs', leaseMs)], 'repeatable')) === 1;
    }

    async leave(node: string): Promise<void> {
        const keys = this.#inboxKeys(node);
        await this.#redis.send(keys[0], ['UNLINK', ...keys], 'repeatable');
    }

    async alive(nodes: readonly string[]): Promise<readonly string[]> {
        const [firstKey, ...keys] = nodes.map(node => this.#keys.lease(node));
        if (firstKey === undefined) {
            return [];
        }
        const leases = this.#redis.isCluster
            ? await Promise.all([firstKey, ...keys].map(key => this.#redis.send(key, ['EXISTS', key], 'repeatable')))
            : arrayOf(await this.#redis.run(findLeases, [firstKey, ...keys], [], 'repeatable'));
        return nodes.filter((_node, index) => leases[index] === 1);
    }

    async send(node: string, messages: readonly string[]): Promise<boolean> {
        return this.#sends.add(node, messages);
    }

    async receive(
        node: string,
        onMessages: (messages: readonly string[]) => void,
        onError: (error: Error) => void
    ): Promise<InboxSubscription> {
        const receiver = new InboxReceiver(this.#redis, this.#keys.inbox(node), onMessages, onError);
        await receiver.start();
        return receiver;
    }

    async #send(node: string, sends: readonly (readonly string[])[]): Promise<readonly boolean[]> {
        const args = [this.#maxMessages, this.#messageTtlMs, ...sends.flat()];
        // Repeated, it may deliver messages twice, which is allowed.
        const isAlive = integerOf(await this.#redis.run(sendMessages, this.#inboxKeys(node), args, 'repeatable')) === 1;
        return sends.map(() => isAlive);
    }

    #inboxKeys(node: string): readonly [string, string] {
        return [this.#keys.lease(node), this.#keys.inbox(node)];
    }
}

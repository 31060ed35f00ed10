import { type InboxSubscription, type NodeInboxes, TransportStoreError } from '@modelcontextprotocol/sdk/server/transportStore.js';
import type { Connection } from '../database/connection.js';
import { toStoredText } from '../database/storedText.js';
import { closedError } from '../database/failures.js';
import type { Sql } from '../database/sql.js';
import type { Transactions } from '../database/transactions.js';
import { timeAfter } from '../expiry.js';
import { InboxDelivery } from './inboxDelivery.js';
import { InboxPoll } from './inboxPoll.js';

/**
 * {@link NodeInboxes} in SQLite.
 *
 * A message that is sent through the same store is delivered at once. SQLite can't call other processes, so theirs are looked for, see
 * {@link InboxPoll}.
 */
export class SqliteNodeInboxes implements NodeInboxes {
    readonly #connection: Connection;
    readonly #transactions: Transactions;
    readonly #poll: InboxPoll;
    readonly #maxMessages: number;
    readonly #deliveries = new Map<string, InboxDelivery>();
    #isClosed = false;

    /** @param maxMessages most messages that wait in one inbox. */
    constructor(connection: Connection, transactions: Transactions, pollIntervalMs: number, maxMessages: number) {
        this.#connection = connection;
        this.#transactions = transactions;
        this.#maxMessages = maxMessages;
        this.#poll = new InboxPoll(connection, pollIntervalMs, hasChanged => {
            for (const delivery of this.#deliveries.values()) {
                if (hasChanged || delivery.isBehind) {
                    delivery.deliver();
                }
            }
        });
    }

    async join(node: string, leaseMs: number): Promise<void> {
        return this.#transactions.write(sql => {
            removeNode(sql, node);
            sql.run('INSERT INTO node (id, lease_ends_at, sent, received) VALUES (?, ?, 0, 0)', node, timeAfter(Date.now(), leaseMs));
        });
    }

    async renew(node: string, leaseMs: number): Promise<boolean> {
        return this.#transactions.write(sql => {
            const now = Date.now();
            const text = 'UPDATE node SET lease_ends_at = ? WHERE id = ? AND lease_ends_at > ?';
            return sql.run(text, timeAfter(now, leaseMs), node, now) > 0;
        });
    }

    async leave(node: string): Promise<void> {
        return this.#transactions.write(sql => removeNode(sql, node));
    }

    async alive(nodes: readonly string[]): Promise<readonly string[]> {
        return this.#transactions.readTogether(sql => {
            const now = Date.now();
            return nodes.filter(node => sql.get('SELECT 1 FROM node WHERE id = ? AND lease_ends_at > ?', node, now) !== undefined);
        });
    }

    async send(node: string, messages: readonly string[]): Promise<boolean> {
        const isAlive = await this.#transactions.write(sql => {
            const inbox = sql.get('SELECT key, sent, received FROM node WHERE id = ? AND lease_ends_at > ?', node, Date.now());
            if (inbox === undefined) {
                return false;
            }
            const key = inbox.integer('key');
            const sent = inbox.integer('sent');
            if (sent - inbox.integer('received') + messages.length > this.#maxMessages) {
                throw new TransportStoreError(
                    'STORE_FULL',
                    `The inbox of node ${node} would exceed ${this.#maxMessages} waiting messages. The node is too slow or receives ` +
                        'nothing; if it is only a burst, raise the option "maxInboxMessages" of the SQLite transport store.'
                );
            }
            for (const [index, message] of messages.entries()) {
                sql.run('INSERT INTO message (node, number, data) VALUES (?, ?, ?)', key, sent + 1 + index, toStoredText(message));
            }
            sql.run('UPDATE node SET sent = ? WHERE key = ?', sent + messages.length, key);
            return true;
        });
        if (isAlive) {
            this.#deliveries.get(node)?.deliver();
        }
        return isAlive;
    }

    async receive(
        node: string,
        onMessages: (messages: readonly string[]) => void,
        onError: (error: Error) => void
    ): Promise<InboxSubscription> {
        // Says at once if the store can't be used.
        await this.#transactions.read(sql => sql.get('SELECT 1 FROM node WHERE id = ?', node));
        if (this.#isClosed) {
            throw closedError();
        }
        if (this.#deliveries.has(node)) {
            throw new TransportStoreError(
                'STORE_MISUSED',
                `The inbox of node ${node} is being delivered already; close that subscription first.`
            );
        }
        const delivery = new InboxDelivery(this.#connection, this.#transactions, node, onMessages, onError);
        this.#deliveries.set(node, delivery);
        this.#poll.start();
        // Not before the caller has its subscription.
        setImmediate(() => delivery.deliver());
        return {
            close: async () => {
                if (this.#deliveries.get(node) === delivery) {
                    this.#deliveries.delete(node);
                }
                if (this.#deliveries.size === 0) {
                    this.#poll.stop();
                }
                await delivery.close();
            }
        };
    }

    /** Ends all deliveries. */
    async close(): Promise<void> {
        this.#isClosed = true;
        this.#poll.stop();
        const deliveries = [...this.#deliveries.values()];
        this.#deliveries.clear();
        await Promise.all(deliveries.map(delivery => delivery.close()));
    }
}

function removeNode(sql: Sql, node: string): void {
    const removed = sql.get('DELETE FROM node WHERE id = ? RETURNING key', node);
    if (removed !== undefined) {
        sql.run('DELETE FROM message WHERE node = ?', removed.integer('key'));
    }
}

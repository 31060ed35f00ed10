import type { Connection } from '../database/connection.js';
import { isLockFailure } from '../database/failures.js';
import type { Transactions } from '../database/transactions.js';

/** Most messages that are delivered in one go. */
const maxDelivered = 256;
/** Milliseconds after which delivered messages are removed: a removal is a write, and one does for many messages. */
const removalDelayMs = 100;

/** Delivers the inbox of one node. */
export class InboxDelivery {
    readonly #connection: Connection;
    readonly #transactions: Transactions;
    readonly #node: string;
    readonly #onMessages: (messages: readonly string[]) => void;
    readonly #onError: (error: Error) => void;
    /** Key of the inbox from which was delivered last; keys start at 1. */
    #inbox = 0;
    /** Number of the message in it that was delivered last. */
    #delivered = 0;
    /** Number of the message in it up to which they were removed. */
    #removed = 0;
    #removalTimer: NodeJS.Timeout | undefined;
    #isBehind = false;
    #isInterrupted = false;
    #isClosed = false;

    constructor(
        connection: Connection,
        transactions: Transactions,
        node: string,
        onMessages: (messages: readonly string[]) => void,
        onError: (error: Error) => void
    ) {
        this.#connection = connection;
        this.#transactions = transactions;
        this.#node = node;
        this.#onMessages = onMessages;
        this.#onError = onError;
    }

    /** Whether there may be something to deliver although nothing was written since the last time. */
    get isBehind(): boolean {
        return this.#isBehind;
    }

    /** Delivers what is in the inbox and was not delivered yet, or some of it, see {@link isBehind}. */
    deliver(): void {
        const messages = this.#isClosed ? [] : this.#read();
        if (messages.length === 0) {
            return;
        }
        try {
            this.#onMessages(messages);
        } catch (error) {
            this.#onError(error instanceof Error ? error : new Error('The receiver of an inbox failed.', { cause: error }));
        }
        if (this.#isBehind) {
            setImmediate(() => this.deliver());
        }
        this.#removalTimer ??= setTimeout(() => void this.#remove(), removalDelayMs).unref();
    }

    /** Stops the delivery, and removes what was delivered from the inbox. */
    async close(): Promise<void> {
        this.#isClosed = true;
        clearTimeout(this.#removalTimer);
        await this.#remove();
    }

    #read(): readonly string[] {
        try {
            const rows = this.#connection.sql().all(
                `SELECT node.key AS inbox, message.number, message.data FROM node JOIN message ON message.node = node.key
                 WHERE node.id = ? AND message.number > iif(node.key = ?, ?, 0) ORDER BY message.number LIMIT ?`,
                this.#node,
                this.#inbox,
                this.#delivered,
                maxDelivered
            );
            const messages = rows.map(row => row.text('data'));
            const newest = rows.at(-1);
            if (newest !== undefined) {
                const inbox = newest.integer('inbox');
                this.#removed = inbox === this.#inbox ? this.#removed : 0;
                this.#inbox = inbox;
                this.#delivered = newest.integer('number');
            }
            this.#isBehind = rows.length === maxDelivered;
            this.#isInterrupted = false;
            return messages;
        } catch (error) {
            this.#isBehind = true;
            // A lock is gone at the next look, so it interrupts nothing.
            if (!isLockFailure(error)) {
                this.#interrupt(this.#connection.failed(error));
            }
            return [];
        }
    }

    /** Reports a failure, but not each of the many attempts that fail until it is over. */
    #interrupt(error: Error): void {
        if (!this.#isInterrupted && !this.#isClosed) {
            this.#isInterrupted = true;
            this.#onError(error);
        }
    }

    async #remove(): Promise<void> {
        this.#removalTimer = undefined;
        const inbox = this.#inbox;
        const upTo = this.#delivered;
        if (upTo === this.#removed) {
            return;
        }
        try {
            await this.#transactions.write(sql => {
                sql.run('DELETE FROM message WHERE node = ? AND number <= ?', inbox, upTo);
                sql.run('UPDATE node SET received = ? WHERE key = ?', upTo, inbox);
            });
            this.#removed = inbox === this.#inbox ? upTo : this.#removed;
        } catch (error) {
            // They are removed with the next ones, or with the node. Until then they count as waiting, and may be delivered again.
            this.#interrupt(this.#connection.failed(error));
        }
    }
}

import { CausedError } from '../session/causedError.js';
import { type InboxSubscription, type NodeInboxes, TransportStoreError } from '../transportStore.js';

interface Inbox {
    leaseEndsAt: number;
    messages: string[];
}

/**
 * {@link NodeInboxes} of an in-memory store.
 *
 * Messages are delivered from a microtask, never from within the call of the sender. There are few nodes, so the ones whose lease has
 * ended are looked for whenever another one joins.
 */
export class InMemoryNodeInboxes implements NodeInboxes {
    readonly #inboxes = new Map<string, Inbox>();
    readonly #deliveries = new Map<string, Delivery>();
    readonly #maxMessages: number;
    readonly #now: () => number;

    /**
     * @param maxMessages most messages that wait in one inbox.
     * @param now clock in milliseconds.
     */
    constructor(maxMessages: number, now: () => number) {
        this.#maxMessages = maxMessages;
        this.#now = now;
    }

    async join(node: string, leaseMs: number): Promise<void> {
        const now = this.#now();
        for (const [id, { leaseEndsAt }] of this.#inboxes) {
            if (leaseEndsAt <= now) {
                this.#inboxes.delete(id);
            }
        }
        this.#inboxes.set(node, { leaseEndsAt: now + leaseMs, messages: [] });
    }

    async renew(node: string, leaseMs: number): Promise<boolean> {
        const inbox = this.#living(node);
        if (inbox === undefined) {
            return false;
        }
        inbox.leaseEndsAt = this.#now() + leaseMs;
        return true;
    }

    async leave(node: string): Promise<void> {
        this.#inboxes.delete(node);
    }

    async alive(nodes: readonly string[]): Promise<readonly string[]> {
        return nodes.filter(node => this.#living(node) !== undefined);
    }

    async send(node: string, messages: readonly string[]): Promise<boolean> {
        const inbox = this.#living(node);
        if (inbox === undefined) {
            return false;
        }
        if (inbox.messages.length + messages.length > this.#maxMessages) {
            throw new TransportStoreError(
                'STORE_FULL',
                `The inbox of node ${node} would exceed ${this.#maxMessages} waiting messages. The node is too slow or receives nothing; ` +
                    'if it is only a burst, raise the option "maxInboxMessages" of the in-memory transport store.'
            );
        }
        for (const message of messages) {
            inbox.messages.push(message);
        }
        this.#deliveries.get(node)?.schedule();
        return true;
    }

    async receive(
        node: string,
        onMessages: (messages: readonly string[]) => void,
        onError: (error: Error) => void
    ): Promise<InboxSubscription> {
        if (this.#deliveries.has(node)) {
            throw new TransportStoreError(
                'STORE_MISUSED',
                `The inbox of node ${node} is being delivered already; close that subscription first.`
            );
        }
        const delivery = new Delivery(() => this.#take(node), onMessages, onError);
        this.#deliveries.set(node, delivery);
        delivery.schedule();
        return {
            close: async () => {
                delivery.stop();
                if (this.#deliveries.get(node) === delivery) {
                    this.#deliveries.delete(node);
                }
            }
        };
    }

    #living(node: string): Inbox | undefined {
        const inbox = this.#inboxes.get(node);
        if (inbox !== undefined && inbox.leaseEndsAt <= this.#now()) {
            this.#inboxes.delete(node);
            return undefined;
        }
        return inbox;
    }

    #take(node: string): readonly string[] {
        const inbox = this.#inboxes.get(node);
        if (inbox === undefined) {
            return [];
        }
        const { messages } = inbox;
        inbox.messages = [];
        return messages;
    }
}

/** Hands the waiting messages of one inbox to its receiver. */
class Delivery {
    readonly #take: () => readonly string[];
    readonly #onMessages: (messages: readonly string[]) => void;
    readonly #onError: (error: Error) => void;
    #scheduled = false;
    #stopped = false;

    constructor(take: () => readonly string[], onMessages: (messages: readonly string[]) => void, onError: (error: Error) => void) {
        this.#take = take;
        this.#onMessages = onMessages;
        this.#onError = onError;
    }

    schedule(): void {
        if (!this.#scheduled) {
            this.#scheduled = true;
            queueMicrotask(() => this.#deliver());
        }
    }

    stop(): void {
        this.#stopped = true;
    }

    #deliver(): void {
        this.#scheduled = false;
        const messages = this.#stopped ? [] : this.#take();
        if (messages.length === 0) {
            return;
        }
        try {
            this.#onMessages(messages);
        } catch (error) {
            this.#onError(error instanceof Error ? error : new CausedError('The receiver of an inbox failed.', { cause: error }));
        }
    }
}

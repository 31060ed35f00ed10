import assert from 'node:assert/strict';
import type { InboxSubscription, TransportStore } from '@modelcontextprotocol/sdk/server/transportStore.js';
import type { FullStore } from './contract.js';
import { eventually } from './waiting.js';

/** What is delivered to a node, for a case to look at. */
export class InboxReader {
    /** All deliveries, one after the other. A message may be delivered more than once. */
    readonly delivered: string[] = [];
    /** What the store told of interruptions. */
    readonly errors: Error[] = [];
    #subscription: InboxSubscription | undefined;

    /** Starts to receive; call {@link close} in the end. */
    static async start({ inboxes }: FullStore, node: string): Promise<InboxReader> {
        const reader = new InboxReader();
        reader.#subscription = await inboxes.receive(
            node,
            messages => reader.delivered.push(...messages),
            error => reader.errors.push(error)
        );
        return reader;
    }

    /** The messages without repeated deliveries, in the order of their first one. */
    get messages(): readonly string[] {
        return [...new Set(this.delivered)];
    }

    async close(): Promise<void> {
        await this.#subscription?.close();
    }

    /** Resolves when a message is delivered. */
    async until(message: string): Promise<void> {
        await eventually(`the message "${message.slice(0, 50)}" is delivered`, () => this.delivered.includes(message));
    }

    /** Resolves when `count` different messages are delivered. */
    async untilCount(count: number): Promise<void> {
        await eventually(`${count} messages are delivered`, () => this.messages.length >= count);
    }
}

/** Receives while `body` runs. */
export async function receiving(store: FullStore, node: string, body: (reader: InboxReader) => Promise<void>): Promise<void> {
    const reader = await InboxReader.start(store, node);
    try {
        await body(reader);
    } finally {
        await reader.close();
    }
}

/** Sends to a node that is alive. */
export async function send({ inboxes }: TransportStore, node: string, messages: readonly string[]): Promise<void> {
    assert.equal(await inboxes?.send(node, messages), true, 'send must answer true while the lease runs');
}

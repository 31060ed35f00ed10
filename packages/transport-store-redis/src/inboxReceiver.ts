import { setTimeout as delay } from 'node:timers/promises';
import { type InboxSubscription, TransportStoreError } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { storeError } from './errors.js';
import { endConnection } from './links.js';
import type { RedisOwnConnection } from './redisClient.js';
import { plainOptions, type RedisCommands } from './redisCommands.js';
import { arrayOf, textOf, textsOf, unexpectedReply } from './replies.js';

/** Most messages taken at once. */
const batchSize = 256;
/** How long Redis holds back the answer while there are no messages. */
const blockMs = 1_000;
/** When an answer is overdue by so much, the connection is dead even if nobody was told. */
const overdueMs = 2_000;
const backoff = { firstMs: 50, mostMs: 1_000 };

interface InboxEntry {
    readonly id: string;
    /** `undefined` if the store did not write it. */
    readonly message: string | undefined;
}

/** Which of the messages to a node a message is. */
interface Count {
    /** When the node had joined, in milliseconds. */
    readonly joined: number;
    /** 1 for the first message after that. */
    readonly count: number;
}

/**
 * Delivers an inbox, over a connection of its own: reading waits for messages, and what waits would hold up all other commands.
 *
 * The place in the inbox is kept here, not in the connection, so nothing is lost or repeated when the connection is replaced.
 */
export class InboxReceiver implements InboxSubscription {
    readonly #redis: RedisCommands;
    readonly #key: string;
    readonly #onMessages: (messages: readonly string[]) => void;
    readonly #onError: (error: Error) => void;
    readonly #closing = new AbortController();
    #connection: RedisOwnConnection | undefined;
    #lastId = '0';
    /** Of the message delivered last. */
    #lastCount: Count | undefined;
    /** Whether what was delivered is still in the inbox. */
    #mustTrim = false;
    #failures = 0;

    constructor(redis: RedisCommands, key: string, onMessages: (messages: readonly string[]) => void, onError: (error: Error) => void) {
        this.#redis = redis;
        this.#key = key;
        this.#onMessages = onMessages;
        this.#onError = onError;
    }

    /** Connects and begins to deliver. */
    async start(): Promise<void> {
        this.#connection = await this.#redis.connect(this.#key);
        void this.#work();
    }

    async close(): Promise<void> {
        this.#closing.abort();
        this.#disconnect();
    }

    get #isClosed(): boolean {
        return this.#closing.signal.aborted;
    }

    async #work(): Promise<void> {
        while (!this.#isClosed) {
            try {
                this.#connection ??= await this.#redis.connect(this.#key);
                if (!this.#isClosed) {
                    this.#deliver(await this.#readWaiting(this.#connection));
                    this.#failures = 0;
                }
            } catch (error) {
                await this.#recover(error);
            }
        }
        this.#disconnect();
    }

    async #readWaiting(connection: RedisOwnConnection): Promise<readonly InboxEntry[]> {
        const watchdog = setTimeout(() => this.#disconnect(), blockMs + overdueMs);
        try {
            const trimmed = this.#mustTrim ? connection.sendCommand(this.#trimCommand(), plainOptions) : undefined;
            const read = connection.sendCommand(this.#readCommand('BLOCK', String(blockMs)), plainOptions);
            const [reply] = await Promise.all([read, trimmed]);
            this.#mustTrim = false;
            return entriesOf(reply);
        } finally {
            clearTimeout(watchdog);
        }
    }

    #readCommand(...options: string[]): string[] {
        return ['XREAD', 'COUNT', String(batchSize), ...options, 'STREAMS', this.#key, this.#lastId];
    }

    /** Removes what was delivered, as a receiver that comes later begins with the oldest message. */
    #trimCommand(): string[] {
        const { joined, count } = countOf(this.#lastId);
        return ['XTRIM', this.#key, 'MINID', `${joined}-${count + 1}`];
    }

    #deliver(entries: readonly InboxEntry[]): void {
        const last = entries.at(-1);
        if (last === undefined || this.#isClosed) {
            return;
        }
        this.#lastId = last.id;
        this.#mustTrim = true;

        const messages: string[] = [];
        for (const { id, message } of entries) {
            if (message === undefined) {
                this.#onError(
                    new TransportStoreError('STORE_CORRUPT', `Something else than the store has written to ${this.#key} in Redis.`)
                );
                continue;
            }
            this.#reportGap(countOf(id));
            messages.push(message);
        }
        if (messages.length === 0) {
            return;
        }
        try {
            this.#onMessages(messages);
        } catch (error) {
            this.#onError(error instanceof Error ? error : new Error('The receiver of an inbox failed.', { cause: error }));
        }
    }

    #reportGap(next: Count): void {
        const last = this.#lastCount;
        this.#lastCount = next;
        if (last !== undefined) {
            const missed = next.count - 1 - (next.joined === last.joined ? last.count : 0);
            if (missed > 0) {
                this.#onError(lost(missed));
            }
        }
    }

    async #recover(error: unknown): Promise<void> {
        this.#disconnect();
        if (this.#isClosed) {
            return;
        }
        if (this.#failures === 0) {
            this.#onError(storeError(error));
        }
        this.#failures += 1;
        if (this.#redis.isCluster) {
            await this.#readThroughClient();
        }
        const longestMs = Math.min(backoff.firstMs * 2 ** (this.#failures - 1), backoff.mostMs);
        await delay(longestMs * (0.5 + Math.random() / 2), undefined, { signal: this.#closing.signal }).catch(() => {});
    }

    /**
     * Reads without waiting, through the user's client. That one follows a key that moves to another server of the cluster, and learns
     * of the move by it, so that the next connection is made to the right server.
     */
    async #readThroughClient(): Promise<void> {
        try {
            this.#deliver(entriesOf(await this.#redis.send(this.#key, this.#readCommand(), 'repeatable')));
        } catch {
            // Part of the interruption that was reported.
        }
    }

    #disconnect(): void {
        const connection = this.#connection;
        this.#connection = undefined;
        if (connection !== undefined) {
            endConnection(connection);
        }
    }
}

/** Depending on the protocol version, XREAD answers with a map by key or with an array of pairs. */
function entriesOf(reply: unknown): readonly InboxEntry[] {
    if (reply === null) {
        return [];
    }
    if (typeof reply !== 'object') {
        return unexpectedReply(reply);
    }
    const streams: readonly unknown[] = Array.isArray(reply) ? reply : Object.entries(reply);
    return arrayOf(arrayOf(streams[0])[1]).map(entry => {
        const [id, fields] = arrayOf(entry);
        const [name, message] = textsOf(fields);
        return { id: textOf(id), message: name === 'm' ? message : undefined };
    });
}

/** Redis gives no other ids than these. */
function countOf(id: string): Count {
    const [joined = NaN, count = NaN] = id.split('-').map(Number);
    return { joined, count };
}

function lost(count: number): TransportStoreError {
    return new TransportStoreError(
        'STORE_FULL',
        `${count} messages to this node were dropped because its inbox was full or too old. The node is too slow, or was cut off from ` +
            'Redis; if it was only a burst, raise the option "maxInboxMessages".'
    );
}

import {
    type EventStreams,
    type NodeInboxes,
    type SessionRecords,
    type TransportStore,
    TransportStoreError
} from '@modelcontextprotocol/sdk/server/transportStore.js';
import { checkedCount, checkedDuration } from './arguments.js';
import { KeyLayout } from './keys.js';
import { ClusterLink, type RedisLink, SingleLink } from './links.js';
import type { RedisClusterClient, RedisSingleClient } from './redisClient.js';
import { RedisCommands } from './redisCommands.js';
import { RedisEventStreams } from './redisEventStreams.js';
import { RedisNodeInboxes } from './redisNodeInboxes.js';
import { RedisSessionRecords } from './redisSessionRecords.js';

/** Options of a {@link RedisTransportStore}. */
export interface RedisTransportStoreOptions {
    /**
     * What the names of all keys begin with, without braces. Servers share sessions if they have the same prefix in the same Redis.
     * Default: `mcp:`.
     */
    readonly keyPrefix?: string | undefined;
    /**
     * How long an interruption of the connection is bridged, in milliseconds: operations wait that long for the client to reconnect
     * before they reject with `STORE_UNAVAILABLE`. Once an interruption has lasted longer, operations reject at once until it is over.
     * Default: 1,000.
     */
    readonly reconnectPatienceMs?: number | undefined;
    /**
     * Most event streams kept of one session. One more drops the one that was written longest ago: a closed one if there is any, and none
     * that is held as long as there are others. Reading a dropped stream answers `unknown`. Default: 500.
     */
    readonly maxStreamsPerSession?: number | undefined;
    /**
     * Most messages that wait in the inbox of one node, or about a hundred more. Beyond them the oldest are dropped, and the receiver is
     * told by a `STORE_FULL` error. Default: 10,000.
     */
    readonly maxInboxMessages?: number | undefined;
    /** How long an inbox is kept after its last message, in milliseconds. Default: 300,000 (five minutes). */
    readonly inboxTtlMs?: number | undefined;
}

/**
 * Shares sessions, event streams and inboxes between processes through Redis 6.2 and later, Valkey, or a cluster of these.
 *
 * The client is the caller's: connected before the store is used, closed after. The store needs no closing itself; each subscription to
 * an inbox has a connection of its own, made after the client, which ends with the subscription.
 */
export class RedisTransportStore implements TransportStore {
    readonly sessions: SessionRecords;
    readonly streams: EventStreams;
    readonly inboxes: NodeInboxes;
    readonly #redis: RedisCommands;

    /**
     * @param client result of `createClient()` or `createCluster()` of the `redis` package, 6.1 or later.
     * @throws {TransportStoreError} `STORE_MISUSED` if the client is none of these, or an option is out of range.
     */
    constructor(client: RedisSingleClient | RedisClusterClient, options: RedisTransportStoreOptions = {}) {
        const keyPrefix = options.keyPrefix ?? 'mcp:';
        if (/[{}]/.test(keyPrefix)) {
            throw new TransportStoreError('STORE_MISUSED', `The option "keyPrefix" must not contain braces, but is "${keyPrefix}".`);
        }
        const patienceMs = Number(checkedDuration('reconnectPatienceMs', options.reconnectPatienceMs ?? 1_000));
        const maxStreams = Number(checkedCount('maxStreamsPerSession', options.maxStreamsPerSession ?? 500));
        const maxMessages = Number(checkedCount('maxInboxMessages', options.maxInboxMessages ?? 10_000));
        const inboxTtlMs = Number(checkedDuration('inboxTtlMs', options.inboxTtlMs ?? 300_000));

        const keys = new KeyLayout(keyPrefix);
        this.#redis = new RedisCommands(linkOf(client), patienceMs);
        this.sessions = new RedisSessionRecords(this.#redis, keys);
        this.streams = new RedisEventStreams(this.#redis, keys, maxStreams);
        this.inboxes = new RedisNodeInboxes(this.#redis, keys, maxMessages, inboxTtlMs);
    }

    /** Resolves when Redis answers; of a cluster, when each of its masters does. */
    ping(): Promise<void> {
        return this.#redis.ping();
    }
}

function linkOf(client: RedisSingleClient | RedisClusterClient): RedisLink {
    if ('getNodeClientForKey' in client) {
        return new ClusterLink(client);
    }
    // Whoever writes JavaScript may pass anything, such as a client of another package.
    const isSingle = typeof client.sendCommand === 'function' && typeof client.duplicate === 'function' && 'options' in client;
    if (!isSingle || typeof client.isReady !== 'boolean') {
        throw new TransportStoreError(
            'STORE_MISUSED',
            'The client must be the result of createClient() or createCluster() of the package "redis", version 6.1 or later, not of a pool or of Sentinel.'
        );
    }
    return new SingleLink(client);
}

import { TransportStoreError } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { isRefusedOffline, isServerReply, isUnknownScript, storeError } from './errors.js';
import { endConnection, type RedisLink } from './links.js';
import { Reconnection } from './reconnection.js';
import type { RedisCommandOptions, RedisOwnConnection } from './redisClient.js';
import type { Script } from './script.js';
import { SendDeadlines } from './sendDeadlines.js';
import { checkServer } from './serverCheck.js';

/**
 * Whether a command has the same outcome if it is executed a second time. If its connection breaks before the answer comes, nobody knows
 * whether it was executed; only a repeatable one is then sent again.
 */
export type Repetition = 'repeatable' | 'once';

/** Options of a command that is sent at once or not at all. */
export const plainOptions: RedisCommandOptions = { timeout: 0, typeMapping: {} };

/** How long it may take to connect and to exchange the first words, which the client's own timeout does not cover. */
const connectTimeoutMs = 5_000;

/** Sends commands through the user's client. */
export class RedisCommands {
    /** Whether keys lie on several servers. */
    readonly isCluster: boolean;
    readonly #link: RedisLink;
    readonly #reconnection: Reconnection;
    readonly #deadlines: SendDeadlines;
    #check: Promise<void> | 'passed' | undefined;

    /** @param patienceMs how many milliseconds of an interruption of the connection are bridged by waiting. */
    constructor(link: RedisLink, patienceMs: number) {
        this.isCluster = link.isCluster;
        this.#link = link;
        this.#reconnection = new Reconnection(link, patienceMs);
        this.#deadlines = new SendDeadlines(patienceMs);
    }

    /**
     * Sends a command.
     * @param key a key of the command, which says to which server of a cluster it goes.
     * @throws {TransportStoreError} whatever goes wrong.
     */
    async send(key: string, args: string[], repetition: Repetition): Promise<unknown> {
        if (this.#check !== 'passed') {
            await this.#checkOnce(key);
        }
        return this.#sendUnchecked(key, args, repetition);
    }

    /**
     * Runs a script.
     * @param keys all keys, in one hash slot.
     * @throws {TransportStoreError} whatever goes wrong.
     */
    async run(script: Script, keys: readonly [string, ...string[]], args: readonly string[], repetition: Repetition): Promise<unknown> {
        const keysAndArgs = [String(keys.length), ...keys, ...args];
        try {
            return await this.send(keys[0], ['EVALSHA', script.sha, ...keysAndArgs], repetition);
        } catch (error) {
            if (error instanceof TransportStoreError && isUnknownScript(error.cause)) {
                return this.send(keys[0], ['EVAL', script.source, ...keysAndArgs], repetition);
            }
            throw error;
        }
    }

    /** @throws {TransportStoreError} if Redis does not answer. */
    async ping(): Promise<void> {
        try {
            if (this.#link.isDown) {
                await this.#reconnection.whenUp('');
            }
            await this.#link.ping(this.#options());
        } catch (error) {
            throw storeError(error);
        }
    }

    /**
     * Makes and connects a connection of the store's own to the server that has the key. The caller destroys it.
     * @throws {TransportStoreError} whatever goes wrong.
     */
    async connect(key: string): Promise<RedisOwnConnection> {
        let connection: RedisOwnConnection | undefined;
        try {
            connection = await this.#link.ownConnection(key);
            await within(connectTimeoutMs, connection.connect());
            return connection;
        } catch (error) {
            if (connection !== undefined) {
                endConnection(connection);
            }
            throw storeError(error);
        }
    }

    async #sendUnchecked(key: string, args: string[], repetition: Repetition): Promise<unknown> {
        try {
            if (this.#link.isDown) {
                await this.#reconnection.whenUp(key);
            }
            const options = this.#options();
            try {
                const reply = await this.#link.send(key, args, options);
                this.#reconnection.over();
                return reply;
            } catch (error) {
                if (options.abortSignal?.aborted === true || !mayRepeat(error, repetition)) {
                    throw error;
                }
            }
            await this.#reconnection.whenUp(key);
            return await this.#link.send(key, args, this.#options());
        } catch (error) {
            throw storeError(error);
        }
    }

    #options(): RedisCommandOptions {
        return { ...plainOptions, abortSignal: this.#deadlines.current };
    }

    /** Calls that come meanwhile wait for the same check, and then go on in their order. */
    async #checkOnce(key: string): Promise<void> {
        this.#check ??= checkServer(() => this.#sendUnchecked(key, ['INFO'], 'repeatable')).then(
            () => {
                this.#check = 'passed';
            },
            (error: unknown) => {
                // The next call tries again, perhaps on another server.
                this.#check = undefined;
                throw error;
            }
        );
        await this.#check;
    }
}

function mayRepeat(error: unknown, repetition: Repetition): boolean {
    if (isServerReply(error) || error instanceof TypeError) {
        return false;
    }
    return repetition === 'repeatable' || isRefusedOffline(error);
}

async function within<Result>(ms: number, promise: Promise<Result>): Promise<Result> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`There was no answer within ${ms} ms.`)), ms);
    });
    try {
        return await Promise.race([promise, timeout]);
    } finally {
        clearTimeout(timer);
    }
}

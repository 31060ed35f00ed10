/**
 * What the store uses of a client of the `redis` package.
 *
 * Written down as shapes because the client's own types carry its modules, functions, scripts, protocol version and type mapping as
 * parameters; a client with any of them is welcome. All members are public API of `redis` 6.1 and later.
 */

/** Options of one command. */
export interface RedisCommandOptions {
    /** Milliseconds after which a command that is still unsent is withdrawn; 0 for never. */
    readonly timeout: number;
    /** Withdraws the command if it is still unsent when the signal aborts. */
    readonly abortSignal?: AbortSignal;
    /** Empty, so that replies come as strings whatever the user's client maps them to. */
    readonly typeMapping: Record<never, never>;
}

/** What a connection of the store's own has otherwise than the client it is made after; 0 stands for none. */
export interface RedisDuplicateOverrides {
    readonly socket: { readonly reconnectStrategy: false; readonly socketTimeout: 0 };
    readonly commandsQueueMaxLength: 0;
    readonly disableOfflineQueue: true;
    readonly pingInterval: 0;
}

/** A connection that the store makes for itself. */
export interface RedisOwnConnection {
    connect(): Promise<unknown>;
    destroy(): void;
    on(event: 'error', listener: (error: Error) => void): unknown;
    sendCommand(args: readonly string[], options: RedisCommandOptions): Promise<unknown>;
}

/** A client of one Redis server, as made by `createClient()` of the `redis` package. */
export interface RedisSingleClient {
    readonly isOpen: boolean;
    readonly isReady: boolean;
    readonly options: { readonly socket?: object | undefined } | undefined;
    on(event: 'ready', listener: () => void): unknown;
    sendCommand(args: readonly string[], options: RedisCommandOptions): Promise<unknown>;
    duplicate(overrides: RedisDuplicateOverrides): RedisOwnConnection;
}

/** A client of a Redis Cluster, as made by `createCluster()` of the `redis` package. */
export interface RedisClusterClient {
    readonly isOpen: boolean;
    readonly masters: readonly { readonly client?: RedisSingleClient | undefined }[];
    on(event: 'node-ready', listener: () => void): unknown;
    sendCommand(firstKey: string, isReadonly: boolean, args: string[], options: RedisCommandOptions): Promise<unknown>;
    getNodeClientForKey(key: string): Promise<RedisSingleClient>;
}

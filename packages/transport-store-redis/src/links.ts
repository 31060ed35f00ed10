import type {
    RedisClusterClient,
    RedisCommandOptions,
    RedisDuplicateOverrides,
    RedisOwnConnection,
    RedisSingleClient
} from './redisClient.js';

/** A client of the user, of whichever kind. */
export interface RedisLink {
    /** Whether keys lie on several servers, so that one command can't use keys of different hash slots. */
    readonly isCluster: boolean;
    /** Whether the user has connected the client, and neither closed it nor had it give up. */
    readonly isOpen: boolean;
    /** Whether it is known, at no cost, that a command can't be sent now. */
    readonly isDown: boolean;
    /** Sends a command to the server that has the key. */
    send(key: string, args: string[], options: RedisCommandOptions): Promise<unknown>;
    /** Whether the connection to the server that has the key is up. */
    isUp(key: string): Promise<boolean>;
    /** Calls the listener whenever a connection has come up, for as long as the client lives. */
    onUp(listener: () => void): void;
    /** Asks all servers for a sign of life. */
    ping(options: RedisCommandOptions): Promise<void>;
    /** Makes a connection of the store's own, not yet connected, to the server that has the key. */
    ownConnection(key: string): Promise<RedisOwnConnection>;
}

/** A client of one server. */
export class SingleLink implements RedisLink {
    readonly isCluster = false;
    readonly #client: RedisSingleClient;

    constructor(client: RedisSingleClient) {
        this.#client = client;
    }

    get isOpen(): boolean {
        return this.#client.isOpen;
    }

    get isDown(): boolean {
        return !this.#client.isReady;
    }

    send(_key: string, args: string[], options: RedisCommandOptions): Promise<unknown> {
        return this.#client.sendCommand(args, options);
    }

    async isUp(): Promise<boolean> {
        return this.#client.isReady;
    }

    onUp(listener: () => void): void {
        this.#client.on('ready', listener);
    }

    async ping(options: RedisCommandOptions): Promise<void> {
        await this.#client.sendCommand(['PING'], options);
    }

    async ownConnection(): Promise<RedisOwnConnection> {
        return duplicate(this.#client);
    }
}

/** A client of a cluster. */
export class ClusterLink implements RedisLink {
    readonly isCluster = true;
    /** Whether the one server that a command goes to can be reached shows only when the command is sent. */
    readonly isDown = false;
    readonly #client: RedisClusterClient;

    constructor(client: RedisClusterClient) {
        this.#client = client;
    }

    get isOpen(): boolean {
        return this.#client.isOpen;
    }

    send(key: string, args: string[], options: RedisCommandOptions): Promise<unknown> {
        return this.#client.sendCommand(key, false, args, options);
    }

    async isUp(key: string): Promise<boolean> {
        try {
            return (await this.#client.getNodeClientForKey(key)).isReady;
        } catch {
            // The client is about to find out which servers there are.
            return false;
        }
    }

    onUp(listener: () => void): void {
        this.#client.on('node-ready', listener);
    }

    async ping(options: RedisCommandOptions): Promise<void> {
        const clients = this.#client.masters.flatMap(({ client }) => (client === undefined ? [] : [client]));
        const connected = clients.length > 0 ? clients : [await this.#client.getNodeClientForKey('')];
        await Promise.all(connected.map(client => client.sendCommand(['PING'], options)));
    }

    async ownConnection(key: string): Promise<RedisOwnConnection> {
        return duplicate(await this.#client.getNodeClientForKey(key));
    }
}

/** The store reconnects its own connections itself, as a cluster may have another server for a key by then. */
function duplicate(client: RedisSingleClient): RedisOwnConnection {
    const overrides: RedisDuplicateOverrides = {
        socket: { ...client.options?.socket, reconnectStrategy: false, socketTimeout: 0 },
        commandsQueueMaxLength: 0,
        disableOfflineQueue: true,
        pingInterval: 0
    };
    const connection = client.duplicate(overrides);
    // Without a listener an error event ends the process. What fails also rejects, so nothing is lost.
    connection.on('error', () => {});
    return connection;
}

/** Ends a connection of the store's own, whatever state it is in. */
export function endConnection(connection: RedisOwnConnection): void {
    try {
        connection.destroy();
    } catch {
        // Some versions of the client refuse to end what has ended already.
    }
}

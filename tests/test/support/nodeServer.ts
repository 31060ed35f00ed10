/**
 * One node in a process of its own: the test server behind a session handler, on a store that other processes use too.
 *
 * Started by `nodeProcess.ts`, which sends it a {@link NodeConfig} first and then {@link GateMessage}s. It answers with
 * {@link NodeMessage}s. On SIGTERM it drains and exits with 0.
 */
import { createServer } from 'node:http';
import { createSessionHandler, type SessionHandlerOptions } from '@modelcontextprotocol/sdk/server/sessionHandler.js';
import type { TransportStore } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { RedisTransportStore } from '@modelcontextprotocol/transport-store-redis';
import { SqliteTransportStore } from '@modelcontextprotocol/transport-store-sqlite';
import { createClient } from 'redis';
import { Gates, buildServer, emptyLog } from './testServer.ts';

/** Where a node finds the store. */
export type StorePlace =
    { readonly kind: 'sqlite'; readonly file: string } | { readonly kind: 'redis'; readonly url: string; readonly keyPrefix: string };

export interface NodeConfig {
    readonly name: string;
    readonly store: StorePlace;
    readonly options: Omit<SessionHandlerOptions, 'store' | 'principal'>;
    /** 0 for any. */
    readonly port: number;
}

/** What the test wants of the gates of the node's tools. */
export type GateMessage = { readonly open: string } | { readonly awaitArrival: string };

export type NodeMessage =
    | { readonly url: string }
    /** A tool waits at the gate. */
    | { readonly arrived: string };

const gates = new Gates();

function tell(message: NodeMessage): void {
    process.send?.(message);
}

async function openStore(place: StorePlace): Promise<TransportStore> {
    if (place.kind === 'sqlite') {
        return new SqliteTransportStore(place.file);
    }
    const client = createClient({ url: place.url, socket: { reconnectStrategy: () => 50 } });
    client.on('error', () => undefined);
    await client.connect();
    return new RedisTransportStore(client, { keyPrefix: place.keyPrefix });
}

async function serve({ name, store, options, port }: NodeConfig): Promise<void> {
    const log = emptyLog();
    const handler = createSessionHandler(context => buildServer(name, context, log, gates), { ...options, store: await openStore(store) });
    const server = createServer((req, res) => void handler.handleRequest(req, res));
    server.listen(port, '127.0.0.1', () => {
        const address = server.address();
        tell({ url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/mcp` });
    });
    process.once('SIGTERM', () => {
        void handler.close().then(() => process.exit(0));
    });
}

process.once('message', (config: NodeConfig) => {
    process.on('message', (message: GateMessage) => {
        if ('open' in message) {
            gates.open(message.open);
        } else {
            void gates.arrival(message.awaitArrival).then(() => tell({ arrived: message.awaitArrival }));
        }
    });
    void serve(config);
});
// The test process has ended, in whatever way.
process.once('disconnect', () => process.exit());

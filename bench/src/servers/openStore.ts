import { fileURLToPath } from 'node:url';
import type { TransportStore } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { RedisTransportStore } from '@modelcontextprotocol/transport-store-redis';
import { SqliteTransportStore } from '@modelcontextprotocol/transport-store-sqlite';
import { createClient } from 'redis';

/** Opens the store that a URL names; `memory:` is the handler's own. */
export async function openStore(url: string): Promise<{ readonly store: TransportStore | undefined; close(): Promise<void> }> {
    if (url === 'memory:') {
        return { store: undefined, close: async () => undefined };
    }
    if (url.startsWith('sqlite:')) {
        const store = new SqliteTransportStore(fileURLToPath(url.replace('sqlite:', 'file:')));
        return { store, close: async () => store.close() };
    }
    const client = createClient({ url });
    client.on('error', error => console.error(error));
    await client.connect();
    return { store: new RedisTransportStore(client), close: () => client.close() };
}

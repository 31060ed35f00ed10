import { InMemoryTransportStore } from '@modelcontextprotocol/sdk/server/inMemoryTransportStore.js';
import { TransportStoreError } from '@modelcontextprotocol/sdk/server/transportStore.js';
import type { StoreBackend } from '../../src/index.js';
import { connect, seededRandom } from './connection.js';
import type { FullStore } from './delegates.js';

/** Changes the behaviour of a store, for all its handles. */
export type Change = (store: FullStore) => FullStore;

/** A change that changes nothing. */
export const unchanged: Change = store => store;

/** A backend that is a store in memory, every handle to it as behind a connection of its own. */
export function connectedBackend(change: Change = unchanged): StoreBackend {
    const shared = change(new InMemoryTransportStore());
    const random = seededRandom(1);
    return {
        capabilities: ['streams', 'inboxes'],
        open: async () => ({ store: connect(shared, random), close: async () => {} })
    };
}

/** What a server in memory does in its life, for {@link restartableBackend}. */
export interface Server {
    store: FullStore;
    up: boolean;
    /** Number of starts so far. */
    starts: number;
}

/**
 * A backend that can be stopped; everything rejects meanwhile.
 *
 * @param change changes a handle, which may look at the server.
 * @param started called after each further start.
 */
export function restartableBackend(
    change: (store: FullStore, server: Server) => FullStore = unchanged,
    started: (server: Server) => void = () => {}
): StoreBackend {
    const server: Server = { store: new InMemoryTransportStore(), up: true, starts: 1 };
    const random = seededRandom(2);
    return {
        capabilities: ['streams', 'inboxes'],
        open: async () => ({ store: connect(change(handleOf(server), server), random), close: async () => {} }),
        restart: async whileDown => {
            server.up = false;
            await whileDown();
            await new Promise(resolve => setTimeout(resolve, 20));
            server.up = true;
            server.starts += 1;
            started(server);
        }
    };
}

function handleOf(server: Server): FullStore {
    const reach = async (): Promise<FullStore> => {
        if (!server.up) {
            throw new TransportStoreError('STORE_UNAVAILABLE', 'The server is down; start it.');
        }
        return server.store;
    };
    return {
        sessions: {
            create: async (...args) => (await reach()).sessions.create(...args),
            touch: async (...args) => (await reach()).sessions.touch(...args),
            open: async (...args) => (await reach()).sessions.open(...args),
            update: async (...args) => (await reach()).sessions.update(...args),
            nodes: async (...args) => (await reach()).sessions.nodes(...args),
            leave: async (...args) => (await reach()).sessions.leave(...args),
            delete: async (...args) => (await reach()).sessions.delete(...args)
        },
        streams: {
            append: async (...args) => (await reach()).streams.append(...args),
            publish: async (...args) => (await reach()).streams.publish(...args),
            read: async (...args) => (await reach()).streams.read(...args),
            hold: async (...args) => (await reach()).streams.hold(...args),
            release: async (...args) => (await reach()).streams.release(...args)
        },
        inboxes: {
            join: async (...args) => (await reach()).inboxes.join(...args),
            renew: async (...args) => (await reach()).inboxes.renew(...args),
            leave: async (...args) => (await reach()).inboxes.leave(...args),
            alive: async (...args) => (await reach()).inboxes.alive(...args),
            send: async (...args) => (await reach()).inboxes.send(...args),
            receive: async (...args) => (await reach()).inboxes.receive(...args)
        },
        ping: async () => (await reach()).ping()
    };
}

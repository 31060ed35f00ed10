import { InMemoryTransportStore } from '@modelcontextprotocol/sdk/server/inMemoryTransportStore.js';
import { override } from '../support/delegates.js';
import { restartableBackend, unchanged } from '../support/memoryBackends.js';
import type { BrokenStore } from './brokenStore.js';

/** Stores that do not cope with a restart of their backend. */
export const brokenBackends: readonly BrokenStore[] = [
    {
        defect: 'forgets everything in a restart',
        fails: ['restart.operations', 'restart.sessions', 'restart.streams', 'restart.leases', 'restart.delivery'],
        backend: () => restartableBackend(unchanged, server => void (server.store = new InMemoryTransportStore()))
    },
    {
        defect: 'says that all is well while the backend is down',
        fails: ['restart.ping'],
        backend: () => restartableBackend(store => override(store, { ping: async () => {} }))
    },
    {
        defect: 'rejects with an error without a code while the backend is down',
        fails: ['restart.ping'],
        backend: () =>
            restartableBackend(store =>
                override(store, {
                    ping: () =>
                        store.ping().catch(() => {
                            throw new Error('ECONNREFUSED');
                        })
                })
            )
    },
    {
        defect: 'takes a backend that is down for one without sessions',
        fails: ['restart.operations'],
        backend: () =>
            restartableBackend((store, server) =>
                override(store, {
                    sessions: {
                        touch: async (...args) => (server.up ? store.sessions.touch(...args) : { status: 'missing' })
                    }
                })
            )
    },
    {
        defect: 'only says that it updates while the backend is down',
        fails: ['restart.operations'],
        backend: () =>
            restartableBackend((store, server) =>
                override(store, {
                    sessions: { update: async (...args) => (server.up ? store.sessions.update(...args) : 2) }
                })
            )
    },
    {
        defect: 'never works again after a restart',
        fails: ['restart.ping', 'restart.sessions'],
        backend: () =>
            restartableBackend((store, server) =>
                override(store, {
                    ping: async () => {
                        if (server.starts > 1) {
                            throw new Error('the connection is closed');
                        }
                        return store.ping();
                    }
                })
            )
    },
    {
        defect: 'delivers no more after a restart',
        fails: ['restart.delivery'],
        backend: () =>
            restartableBackend((store, server) =>
                override(store, {
                    inboxes: {
                        receive(node, onMessages, onError) {
                            const { starts } = server;
                            return store.inboxes.receive(
                                node,
                                messages => {
                                    if (server.starts === starts) {
                                        onMessages(messages);
                                    }
                                },
                                onError
                            );
                        }
                    }
                })
            )
    }
];

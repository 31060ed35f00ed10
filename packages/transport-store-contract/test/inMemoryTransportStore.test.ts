import { InMemoryTransportStore } from '@modelcontextprotocol/sdk/server/inMemoryTransportStore.js';
import { afterAll, beforeAll, describe, test, vi } from 'vitest';
import { registerTransportStoreContract, type StoreBackend } from '../src/index.js';
import { connectedBackend, restartableBackend } from './support/memoryBackends.js';

/** Handlers in one process share one store object, so every handle is that object. */
function sharing(store: InMemoryTransportStore): StoreBackend {
    return { capabilities: ['streams', 'inboxes'], open: async () => ({ store, close: async () => {} }) };
}

describe('InMemoryTransportStore', () => {
    registerTransportStoreContract({ describe, test }, sharing(new InMemoryTransportStore()));
});

describe('InMemoryTransportStore with an injected clock', () => {
    let now = 0;
    const store = new InMemoryTransportStore({ now: () => now });
    registerTransportStoreContract({ describe, test }, { ...sharing(store), advance: ms => void (now += ms) });
});

// The backends that brokenStores.test.ts breaks: unbroken, they pass.
describe('in virtual time', () => {
    beforeAll(() => void vi.useFakeTimers().setTimerTickMode('nextTimerAsync'));
    afterAll(() => void vi.useRealTimers());

    describe('a store in memory behind connections', () => {
        registerTransportStoreContract({ describe, test }, connectedBackend());
    });

    describe('a server in memory that can be restarted', () => {
        registerTransportStoreContract({ describe, test }, restartableBackend());
    });
});

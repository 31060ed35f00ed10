import { InMemoryTransportStore } from '@modelcontextprotocol/sdk/server/inMemoryTransportStore.js';
import { describe, test } from 'vitest';
import { registerTransportStoreContract, type StoreBackend } from '../src/index.js';

let now = Date.now();
const injected = new InMemoryTransportStore({ now: () => now });
const real = new InMemoryTransportStore();

/** Handlers in one process share one store object, so every handle is that object. */
function sharing(store: InMemoryTransportStore): StoreBackend {
    return { capabilities: ['streams', 'inboxes'], open: async () => ({ store, close: async () => {} }) };
}

describe('InMemoryTransportStore', () => {
    registerTransportStoreContract({ describe, test }, sharing(real));
});

describe('InMemoryTransportStore with an injected clock', () => {
    registerTransportStoreContract({ describe, test }, { ...sharing(injected), advance: ms => void (now += ms) });
});

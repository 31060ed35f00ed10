/** The built suite under node:test, for register.test.ts. */
import { describe, test } from 'node:test';
import { InMemoryTransportStore } from '@modelcontextprotocol/sdk/server/inMemoryTransportStore.js';
import { registerTransportStoreContract } from '@modelcontextprotocol/transport-store-contract';

let now = 0;
const store = new InMemoryTransportStore({ now: () => now });

registerTransportStoreContract(
    { describe, test },
    {
        capabilities: ['streams', 'inboxes'],
        open: async () => ({ store, close: async () => {} }),
        advance: ms => void (now += ms)
    }
);

import { registerTransportStoreContract } from '@modelcontextprotocol/transport-store-contract';
import { renameSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { SqliteTransportStore } from '../src/index.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const dataFolder = temporaryFolder(afterAll).make('data');

describe('SqliteTransportStore', () => {
    registerTransportStoreContract(
        { describe, test },
        {
            capabilities: ['streams', 'inboxes'],
            // Every handle is a connection of its own, as if it belonged to another process.
            open: async () => {
                const store = new SqliteTransportStore(path.join(dataFolder, 'store.db'), { pollIntervalMs: 5, sweepIntervalMs: 50 });
                return { store, close: () => store.close() };
            },
            // A file can't be stopped, but it can be out of reach, as on a disk that is not mounted.
            restart: async whileDown => {
                const elsewhere = `${dataFolder}-elsewhere`;
                renameSync(dataFolder, elsewhere);
                try {
                    await whileDown();
                } finally {
                    renameSync(elsewhere, dataFolder);
                }
            }
        }
    );
});

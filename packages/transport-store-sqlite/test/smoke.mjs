/**
 * Uses the built package on the Node that runs this script: `node packages/transport-store-sqlite/test/smoke.mjs`.
 *
 * Plain JavaScript, and without the test runner, so that it runs on any Node: the first ones with SQLite handle some things differently,
 * and on those without, the store has to say what it needs.
 */
import { contractCases, runCase, unmetNeeds } from '@modelcontextprotocol/transport-store-contract';
import * as imported from '@modelcontextprotocol/transport-store-sqlite';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** @type {typeof imported} */
const required = createRequire(import.meta.url)('@modelcontextprotocol/transport-store-sqlite');

const sqlite = process.getBuiltinModule?.('node:sqlite');
if (sqlite === undefined) {
    for (const { SqliteTransportStore } of [imported, required]) {
        assert.throws(() => new SqliteTransportStore(':memory:'), { code: 'STORE_MISUSED', message: /needs Node 22\.13/ });
    }
    console.log(`Node ${process.version}: refused, and said why`);
} else {
    const folder = mkdtempSync(path.join(tmpdir(), 'sqlite-store-smoke-'));
    const file = path.join(folder, 'store.db');
    let handles = 0;
    /** @type {import('@modelcontextprotocol/transport-store-contract').StoreBackend} */
    const backend = {
        capabilities: ['streams', 'inboxes'],
        // Those from `import` and those from `require` take turns.
        open: async () => {
            const { SqliteTransportStore } = handles++ % 2 === 0 ? imported : required;
            const store = new SqliteTransportStore(file, { pollIntervalMs: 5, sweepIntervalMs: 10 });
            return { store, close: () => store.close() };
        }
    };
    try {
        const cases = contractCases.filter(contractCase => unmetNeeds(contractCase, backend).length === 0);
        for (const contractCase of cases) {
            await runCase(contractCase, backend);
        }
        console.log(`Node ${process.version}: ${cases.length} cases of the contract passed`);

        const { store, close } = await backend.open();
        await store.sessions.create('expiring', { record: '', state: {}, ttlMs: 1 });
        const database = new sqlite.DatabaseSync(file);
        const isStored = database.prepare("SELECT 1 FROM session WHERE id = 'expiring'");
        while (isStored.get() !== undefined) {
            await delay(10);
        }
        database.close();
        await close();
        console.log(`Node ${process.version}: an expired session was removed`);
    } finally {
        rmSync(folder, { recursive: true });
    }
}

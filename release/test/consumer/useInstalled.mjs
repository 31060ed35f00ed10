import assert from 'node:assert/strict';
import { serveOnTransport, serveOnTwoNodes } from './sessionSmoke.mjs';

/**
 * Serves sessions with what was installed.
 *
 * @param {import('./sessionSmoke.mjs').SdkModules} modules
 * @param {{ SqliteTransportStore: new (location: string) => import('./sessionSmoke.mjs').TransportStore & { close(): Promise<void> } }} sqlite
 * @param {{ RedisTransportStore: unknown }} redis
 */
export async function useInstalled(modules, { SqliteTransportStore }, { RedisTransportStore }) {
    await serveOnTransport(modules);
    await serveOnTwoNodes(modules, new modules.inMemoryStore.InMemoryTransportStore());
    const store = new SqliteTransportStore(':memory:');
    await serveOnTwoNodes(modules, store);
    await store.close();
    // That it works takes a server; here it is of interest that it was installed, with what it imports.
    assert.equal(typeof RedisTransportStore, 'function');
    console.log('all sessions were served');
}

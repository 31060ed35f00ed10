export { SqliteTransportStore } from './sqliteTransportStore.js';
export type { SqliteTransportStoreOptions } from './sqliteTransportStoreOptions.js';

import { randomUUID } from 'node:crypto';
import type { NewSession, StreamRetention, TransportStoreErrorCode } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { createClient } from 'redis';
import { RedisTransportStore, type RedisTransportStoreOptions } from '../../src/index.js';
import { KeyLayout } from '../../src/keys.js';
import * as inboxScripts from '../../src/scripts/inboxScripts.js';
import * as sessionScripts from '../../src/scripts/sessionScripts.js';
import * as streamScripts from '../../src/scripts/streamScripts.js';

/** A key prefix that no other run of the tests uses, as the server may be one that others use too. */
export function freshPrefix(): string {
    return `mcp-test-${randomUUID()}:`;
}

/** Options of the client, as far as tests set them. */
interface ClientOptions {
    readonly disableOfflineQueue?: boolean;
    readonly reconnectStrategy?: (retries: number) => number;
}

/** A store with a client of its own, on keys of its own unless told otherwise. */
export async function openStore(url: string, options: RedisTransportStoreOptions = {}, clientOptions: ClientOptions = {}) {
    const { disableOfflineQueue, reconnectStrategy = () => 20 } = clientOptions;
    const keyPrefix = options.keyPrefix ?? freshPrefix();
    const client = createClient({ url, name: keyPrefix, disableOfflineQueue: disableOfflineQueue ?? false, socket: { reconnectStrategy } });
    client.on('error', () => {});
    await client.connect();
    const store = new RedisTransportStore(client, { ...options, keyPrefix });
    return { client, store, keyPrefix, keys: new KeyLayout(keyPrefix), close: () => client.destroy() };
}

/** Has the server know all scripts, so that the first answer to an operation is not that it does not. */
export async function loadScripts({ client }: OpenStore): Promise<void> {
    const scripts = [sessionScripts, streamScripts, inboxScripts].flatMap(module => Object.values(module));
    await Promise.all(scripts.map(({ source }) => client.sendCommand(['SCRIPT', 'LOAD', source])));
}

/** A store as {@link openStore} gives it. */
export type OpenStore = Awaited<ReturnType<typeof openStore>>;

/** For `toMatchObject`: an error that stores reject with. */
export function storeErrorOf(code: TransportStoreErrorCode) {
    return { name: 'TransportStoreError', code };
}

/** Lifetime in milliseconds that no test outlives. */
export const longMs = 600_000;

/** Retention that neither ends nor trims during a test. */
export const keepAll: StreamRetention = { ttlMs: longMs, maxEvents: 1_000_000 };

/** A session that lives longer than the test. */
export function newSession(fields: Partial<NewSession> = {}): NewSession {
    return { record: 'record', state: {}, ttlMs: longMs, ...fields };
}

/** Events with these numbers, each with its number for data. */
export function eventsOf(...numbers: number[]) {
    return numbers.map(number => ({ number, data: `event ${number}` }));
}

/** A promise and the function that resolves it. */
export function signal<Value = void>(): { readonly promise: Promise<Value>; readonly resolve: (value: Value) => void } {
    let resolve: (value: Value) => void = () => {};
    const promise = new Promise<Value>(resolvePromise => {
        resolve = resolvePromise;
    });
    return { promise, resolve };
}

import { TransportStoreError } from '@modelcontextprotocol/sdk/server/transportStore.js';
// eslint-disable-next-line n/no-unsupported-features/node-builtins -- Types only. Whether Node has the module is found out below.
import type * as nodeSqlite from 'node:sqlite';

export type DatabaseSync = nodeSqlite.DatabaseSync;
export type StatementSync = nodeSqlite.StatementSync;
/** What can be bound to a parameter of a statement. */
export type SqlInput = nodeSqlite.SQLInputValue;
/** What a column of a result can hold. */
export type SqlOutput = nodeSqlite.SQLOutputValue;

type NodeSqlite = typeof nodeSqlite;

/** What is used of Node's `process`. */
interface Runtime {
    readonly version?: string | undefined;
    readonly getBuiltinModule?: ((id: 'node:sqlite') => NodeSqlite | undefined) | undefined;
}

/**
 * Node's SQLite. It is not imported, because an import of what an older Node lacks fails with a message that helps nobody.
 *
 * @throws {TransportStoreError} `STORE_MISUSED` if this Node has none.
 */
export function loadNodeSqlite(runtime: Runtime = process): NodeSqlite {
    const sqlite = runtime.getBuiltinModule?.('node:sqlite');
    if (sqlite === undefined) {
        throw new TransportStoreError(
            'STORE_MISUSED',
            `The SQLite transport store needs Node 22.13 or newer, which has node:sqlite; this is ${runtime.version ?? 'not Node'}. ` +
                'Use a newer Node or another transport store.'
        );
    }
    return sqlite;
}

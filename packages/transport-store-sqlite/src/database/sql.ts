import type { DatabaseSync, SqlInput, StatementSync } from '../nodeSqlite.js';
import { Row } from './row.js';

/**
 * Runs SQL on one connection. Every statement is prepared once, so the texts should be constant. Parameters are written `?`: the first
 * releases of Node's SQLite don't take values for `?1`.
 */
export class Sql {
    readonly #database: DatabaseSync;
    readonly #statements = new Map<string, StatementSync>();

    constructor(database: DatabaseSync) {
        this.#database = database;
    }

    /** @returns the first row of the result. */
    get(text: string, ...values: SqlInput[]): Row | undefined {
        const row = this.#prepare(text).get(...values);
        return row === undefined ? undefined : new Row(row);
    }

    /** @returns all rows of the result. */
    all(text: string, ...values: SqlInput[]): Row[] {
        return this.#prepare(text)
            .all(...values)
            .map(row => new Row(row));
    }

    /** @returns how many rows the statement changed. */
    run(text: string, ...values: SqlInput[]): number {
        return Number(this.#prepare(text).run(...values).changes);
    }

    /** Runs several statements without parameters that are not worth keeping. */
    script(text: string): void {
        this.#database.exec(text);
    }

    #prepare(text: string): StatementSync {
        let statement = this.#statements.get(text);
        if (statement === undefined) {
            statement = this.#database.prepare(text);
            // A connection that the user opened may have been set to return integers as bigint.
            statement.setReadBigInts(false);
            this.#statements.set(text, statement);
        }
        return statement;
    }
}

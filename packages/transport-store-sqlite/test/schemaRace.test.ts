import { expect, onTestFinished, test } from 'vitest';
import { checkVersion, prepareDatabase } from '../src/database/schema.js';
import { Sql } from '../src/database/sql.js';
import { type DatabaseSync, loadNodeSqlite } from '../src/nodeSqlite.js';
import { temporaryFolder } from './support/temporaryFolder.js';

/** Lets somebody else act on the file between two of a connection's statements. */
class InterruptedSql extends Sql {
    readonly #interrupt: (statement: number) => void;
    #count = 0;

    constructor(database: DatabaseSync, interrupt: (statement: number) => void) {
        super(database);
        this.#interrupt = interrupt;
    }

    override get(...args: Parameters<Sql['get']>): ReturnType<Sql['get']> {
        const row = super.get(...args);
        this.#interrupt(++this.#count);
        return row;
    }
}

test.each([1, 2, 3])('a file whose tables are made by another process after statement %i of looking at it is not taken for foreign', at => {
    const { DatabaseSync } = loadNodeSqlite();
    const file = temporaryFolder(onTestFinished).path('sessions.db');
    const [one, other] = [new DatabaseSync(file), new DatabaseSync(file)];
    try {
        const sql = new InterruptedSql(one, statement => {
            if (statement === at) {
                prepareDatabase(new Sql(other));
            }
        });
        expect(() => checkVersion(sql)).not.toThrow();
        expect(checkVersion(new Sql(one))).toBe(true);
    } finally {
        one.close();
        other.close();
    }
});

import { TransportStoreError } from '@modelcontextprotocol/sdk/server/transportStore.js';
import type { SqlOutput } from '../nodeSqlite.js';
import { fromStoredText } from './storedText.js';

/** A row of a result, whose columns are checked to hold what the schema promises. */
export class Row {
    readonly #values: Readonly<Record<string, SqlOutput>>;

    constructor(values: Readonly<Record<string, SqlOutput>>) {
        this.#values = values;
    }

    integer(column: string): number {
        return this.optionalInteger(column) ?? this.#refuse(column);
    }

    optionalInteger(column: string): number | undefined {
        const value = this.#values[column];
        return typeof value === 'number' ? value : value === null ? undefined : this.#refuse(column);
    }

    text(column: string): string {
        return this.optionalText(column) ?? this.#refuse(column);
    }

    optionalText(column: string): string | undefined {
        const value = this.#values[column];
        if (typeof value === 'string' || value instanceof Uint8Array) {
            return fromStoredText(value);
        }
        return value === null ? undefined : this.#refuse(column);
    }

    #refuse(column: string): never {
        throw new TransportStoreError(
            'STORE_CORRUPT',
            `The database of the SQLite transport store holds an unexpected value in a column "${column}", so something else has written ` +
                'to it, or it is damaged. Stop the servers that use the file and remove or repair it.'
        );
    }
}

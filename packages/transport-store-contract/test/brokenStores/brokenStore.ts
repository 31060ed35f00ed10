import type { StoreBackend } from '../../src/index.js';

/** A store that breaks the contract in one way. */
export interface BrokenStore {
    /** What it does wrong. */
    readonly defect: string;
    /** Ids of cases that must notice. */
    readonly fails: readonly string[];
    /** Makes a backend with such a store. */
    backend(): StoreBackend;
}

/** Ids of the two cases of a rule that holds for both ways of writing a stream. */
export function both(id: string): readonly string[] {
    return [`${id}.append`, `${id}.publish`];
}

/** Time in which another handle may do something. */
export function pause(): Promise<void> {
    return new Promise(resolve => setTimeout(resolve, 2));
}

/** A map whose values are made when they are first asked for. */
export class DefaultMap<Value> {
    readonly #values = new Map<string, Value>();
    readonly #make: () => Value;

    constructor(make: () => Value) {
        this.#make = make;
    }

    get(key: string): Value {
        const value = this.#values.get(key) ?? this.#make();
        this.#values.set(key, value);
        return value;
    }

    set(key: string, value: Value): void {
        this.#values.set(key, value);
    }

    delete(key: string): void {
        this.#values.delete(key);
    }
}

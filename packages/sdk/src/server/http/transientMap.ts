import { LinkedList, type Link } from './linkedList.js';

interface Entry<K, V> {
    readonly key: K;
    value: V;
}

/**
 * A map whose entries come and go with every request, in the order in which they came.
 *
 * `Map` is wrong for that in V8: each time it has seen a few deletions it moves to a new table, to which the old one goes on pointing.
 * Once one of these tables has grown old, all that follow it, and all that was in them, survive every collection of young garbage
 * until the next full one. So what a request leaves behind costs several times what the request itself does. Nothing here points from
 * what is over to what comes after it.
 */
export class TransientMap<K extends string | number, V> {
    // Without a prototype, so that keys are only keys; apart, so that 1 is not '1'.
    private readonly byString: Record<string, Link<Entry<K, V>> | undefined> = dictionary();
    private readonly byNumber: Record<number, Link<Entry<K, V>> | undefined> = dictionary();
    private readonly entries = new LinkedList<Entry<K, V>>();

    get size(): number {
        return this.entries.size;
    }

    has(key: K): boolean {
        return this.linkOf(key) !== undefined;
    }

    get(key: K): V | undefined {
        return this.linkOf(key)?.value.value;
    }

    /** A key that is there keeps its place. */
    set(key: K, value: V): void {
        const known = this.linkOf(key);
        if (known !== undefined) {
            known.value.value = value;
            return;
        }
        const link = this.entries.add({ key, value });
        if (typeof key === 'number') {
            this.byNumber[key] = link;
        } else {
            this.byString[String(key)] = link;
        }
    }

    /** @returns whether there was such a key. */
    delete(key: K): boolean {
        const link = this.linkOf(key);
        if (link === undefined) {
            return false;
        }
        /* eslint-disable @typescript-eslint/no-dynamic-delete -- the rule wants a Map, see above why there is none */
        if (typeof key === 'number') {
            delete this.byNumber[key];
        } else {
            delete this.byString[String(key)];
        }
        /* eslint-enable @typescript-eslint/no-dynamic-delete */
        this.entries.remove(link);
        return true;
    }

    clear(): void {
        for (const [key] of this) {
            this.delete(key);
        }
    }

    /** Makes an entry the last, if it is there. */
    moveToEnd(key: K): void {
        const link = this.linkOf(key);
        if (link !== undefined) {
            this.entries.moveToEnd(link);
        }
    }

    /** The entries, oldest first. Meanwhile, of the entries that are there only the current one may be removed or moved. */
    *[Symbol.iterator](): Generator<[K, V], void, undefined> {
        for (const { key, value } of this.entries) {
            yield [key, value];
        }
    }

    /** The values, in a list of their own. */
    values(): V[] {
        return Array.from(this, ([, value]) => value);
    }

    private linkOf(key: K): Link<Entry<K, V>> | undefined {
        return typeof key === 'number' ? this.byNumber[key] : this.byString[String(key)];
    }
}

function dictionary(): Record<string | number, never> {
    const empty: Record<string | number, never> = {};
    Object.setPrototypeOf(empty, null);
    return empty;
}

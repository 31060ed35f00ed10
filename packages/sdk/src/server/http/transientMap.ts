interface Entry<K, V> {
    readonly key: K;
    value: V;
    previous: Entry<K, V> | undefined;
    next: Entry<K, V> | undefined;
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
    private readonly byString: Record<string, Entry<K, V> | undefined> = dictionary();
    private readonly byNumber: Record<number, Entry<K, V> | undefined> = dictionary();
    private first: Entry<K, V> | undefined;
    private last: Entry<K, V> | undefined;
    private count = 0;

    get size(): number {
        return this.count;
    }

    has(key: K): boolean {
        return this.find(key) !== undefined;
    }

    get(key: K): V | undefined {
        return this.find(key)?.value;
    }

    /** A key that is there keeps its place. */
    set(key: K, value: V): void {
        const known = this.find(key);
        if (known !== undefined) {
            known.value = value;
            return;
        }
        const entry: Entry<K, V> = { key, value, previous: undefined, next: undefined };
        if (typeof key === 'number') {
            this.byNumber[key] = entry;
        } else {
            this.byString[String(key)] = entry;
        }
        this.count++;
        this.append(entry);
    }

    /** @returns whether there was such a key. */
    delete(key: K): boolean {
        const entry = this.find(key);
        if (entry === undefined) {
            return false;
        }
        /* eslint-disable @typescript-eslint/no-dynamic-delete -- the rule wants a Map, see above why there is none */
        if (typeof key === 'number') {
            delete this.byNumber[key];
        } else {
            delete this.byString[String(key)];
        }
        /* eslint-enable @typescript-eslint/no-dynamic-delete */
        this.count--;
        this.unlink(entry);
        return true;
    }

    clear(): void {
        for (const [key] of [...this]) {
            this.delete(key);
        }
    }

    /** Makes an entry the last, if it is there. */
    moveToEnd(key: K): void {
        const entry = this.find(key);
        if (entry !== undefined && entry !== this.last) {
            this.unlink(entry);
            this.append(entry);
        }
    }

    /** The entries, oldest first. Meanwhile, of the entries that are there only the current one may be removed or moved. */
    *[Symbol.iterator](): Generator<[K, V], void, undefined> {
        let entry = this.first;
        while (entry !== undefined) {
            const { next } = entry;
            yield [entry.key, entry.value];
            entry = next;
        }
    }

    /** The values, in a list of their own. */
    values(): V[] {
        return Array.from(this, ([, value]) => value);
    }

    private find(key: K): Entry<K, V> | undefined {
        return typeof key === 'number' ? this.byNumber[key] : this.byString[String(key)];
    }

    private append(entry: Entry<K, V>): void {
        entry.previous = this.last;
        if (this.last === undefined) {
            this.first = entry;
        } else {
            this.last.next = entry;
        }
        this.last = entry;
    }

    private unlink(entry: Entry<K, V>): void {
        const { previous, next } = entry;
        if (previous === undefined) {
            this.first = next;
        } else {
            previous.next = next;
        }
        if (next === undefined) {
            this.last = previous;
        } else {
            next.previous = previous;
        }
        entry.previous = undefined;
        entry.next = undefined;
    }
}

function dictionary(): Record<string | number, never> {
    const empty: Record<string | number, never> = {};
    Object.setPrototypeOf(empty, null);
    return empty;
}

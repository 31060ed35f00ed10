/** A member of a {@link LinkedList}. */
export interface Link<V> {
    value: V;
    previous: Link<V> | undefined;
    next: Link<V> | undefined;
}

/** Values in an order, which can be taken out anywhere. What was taken out points to nothing that is still in the list. */
export class LinkedList<V> {
    private first: Link<V> | undefined;
    private last: Link<V> | undefined;
    private count = 0;

    get size(): number {
        return this.count;
    }

    /** The value that was added first. */
    get oldest(): V | undefined {
        return this.first?.value;
    }

    /** Adds a value at the end. */
    add(value: V): Link<V> {
        const link: Link<V> = { value, previous: undefined, next: undefined };
        this.append(link);
        return link;
    }

    /** @param link a member of this list. */
    remove(link: Link<V>): void {
        const { previous, next } = link;
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
        link.previous = undefined;
        link.next = undefined;
        this.count--;
    }

    /** @param link a member of this list. */
    moveToEnd(link: Link<V>): void {
        if (link !== this.last) {
            this.remove(link);
            this.append(link);
        }
    }

    /** The values in their order. Meanwhile, of the members only the current one may be removed or moved. */
    *[Symbol.iterator](): Generator<V, void, undefined> {
        let link = this.first;
        while (link !== undefined) {
            const { next } = link;
            yield link.value;
            link = next;
        }
    }

    private append(link: Link<V>): void {
        link.previous = this.last;
        if (this.last === undefined) {
            this.first = link;
        } else {
            this.last.next = link;
        }
        this.last = link;
        this.count++;
    }
}

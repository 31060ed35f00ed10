import { LinkedList } from './linkedList.js';

/** What comes and goes with every request, in the order in which it came. Not a `Set`, for the reason that `TransientMap` gives. */
export class TransientSet<V> {
    private readonly members = new LinkedList<V>();

    get size(): number {
        return this.members.size;
    }

    /** @returns removes the member again. */
    add(value: V): () => void {
        const { members } = this;
        const link = members.add(value);
        let isMember = true;
        return () => {
            if (isMember) {
                isMember = false;
                members.remove(link);
            }
        };
    }

    /** The members, in a list of their own. */
    values(): V[] {
        return [...this.members];
    }

    /** The one that came first. */
    get oldest(): V | undefined {
        return this.members.oldest;
    }
}

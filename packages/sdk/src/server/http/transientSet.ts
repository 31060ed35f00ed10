import { TransientMap } from './transientMap.js';

/** What comes and goes with every request, in the order in which it came; see {@link TransientMap}. */
export class TransientSet<V> {
    private readonly members = new TransientMap<number, V>();
    private lastKey = 0;

    get size(): number {
        return this.members.size;
    }

    /** @returns removes the member again. */
    add(value: V): () => void {
        const key = ++this.lastKey;
        this.members.set(key, value);
        return () => {
            this.members.delete(key);
        };
    }

    /** The members, in a list of their own. */
    values(): V[] {
        return this.members.values();
    }

    /** The one that came first. */
    get oldest(): V | undefined {
        for (const [, value] of this.members) {
            return value;
        }
        return undefined;
    }
}

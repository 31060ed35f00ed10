/** Random numbers that are the same for the same seed, on every machine. */
export class Random {
    private state: number;

    /** @param seed a whole number. */
    constructor(seed: number) {
        this.state = seed >>> 0;
    }

    /** From 0 (included) to 1 (not included). The generator is mulberry32. */
    next(): number {
        this.state = (this.state + 0x6d2b79f5) >>> 0;
        let mixed = this.state;
        mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    }

    /** A whole number from `from` to `to`, both included. */
    between(from: number, to: number): number {
        return from + Math.floor(this.next() * (to - from + 1));
    }

    /** One of several things. @throws {RangeError} if there are none. */
    pick<Item>(items: readonly Item[]): Item {
        const item = items[this.between(0, items.length - 1)];
        if (item === undefined) {
            throw new RangeError('There is nothing to pick from');
        }
        return item;
    }

    /** Numbers that do not depend on how many were drawn here afterwards. */
    fork(): Random {
        return new Random(Math.floor(this.next() * 2 ** 32));
    }
}

/** Random choices that can be repeated: the same seed makes the same choices. */
export class Random {
    private state: number;

    /** @param seed an integer. */
    constructor(seed: number) {
        this.state = seed >>> 0;
    }

    /** A number from 0 to below 1. (mulberry32, public domain.) */
    next(): number {
        this.state = (this.state + 0x6d2b79f5) >>> 0;
        let t = this.state;
        t = Math.imul(t ^ (t >>> 15), t | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
        return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    }

    /** An integer, both bounds included. */
    between(least: number, most: number): number {
        return least + Math.floor(this.next() * (most - least + 1));
    }

    oneOf<T>(choices: readonly [T, ...T[]]): T {
        return choices[this.between(0, choices.length - 1)] ?? choices[0];
    }

    /** A generator whose choices do not depend on how many this one makes from now on. */
    fork(): Random {
        return new Random(this.between(0, 2 ** 31));
    }
}

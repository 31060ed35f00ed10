/** Middle and spread of repeated measurements. */
export interface Summary {
    readonly median: number;
    readonly lowest: number;
    readonly highest: number;
    readonly count: number;
}

/** @throws RangeError if there are no values. */
export function summarise(values: readonly number[]): Summary {
    const sorted = values.toSorted((a, b) => a - b);
    const [lowest] = sorted;
    const highest = sorted.at(-1);
    if (lowest === undefined || highest === undefined) {
        throw new RangeError('There is nothing to summarise');
    }
    return { median: quantile(sorted, 0.5), lowest, highest, count: values.length };
}

/** @param sorted ascending. */
export function quantile(sorted: readonly number[], fraction: number): number {
    const position = (sorted.length - 1) * fraction;
    const below = sorted[Math.floor(position)] ?? Number.NaN;
    const above = sorted[Math.ceil(position)] ?? Number.NaN;
    return below + (above - below) * (position - Math.floor(position));
}

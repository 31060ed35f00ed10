/** A field of a parsed value, or an item of a list; `undefined` where there is none. */
export function field(value: unknown, name: string | number): unknown {
    return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/**
 * Parses what this package itself has written.
 * @param has fields without which it can't be that.
 * @throws TypeError if one of them is missing.
 */
export function parseOwn<T extends object>(text: string, has: readonly (keyof T & string)[]): T {
    const value: unknown = JSON.parse(text);
    if (!hasFields<T>(value, has)) {
        throw new TypeError(`${has.join(', ')} must be there: ${text.slice(0, 200)}`);
    }
    return value;
}

function hasFields<T extends object>(value: unknown, has: readonly (keyof T & string)[]): value is T {
    return typeof value === 'object' && value !== null && has.every(name => name in value);
}

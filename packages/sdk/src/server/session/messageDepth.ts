/** Deepest nesting of objects and arrays within a message that is accepted. */
export const MAX_MESSAGE_DEPTH = 1_000;

/**
 * Whether a message is nested deeper than {@link MAX_MESSAGE_DEPTH}. `JSON.parse` reads any depth, but code that walks or writes a value
 * by recursion, `JSON.stringify` included, overflows the stack at a few thousand levels.
 */
export function isTooDeep(message: object): boolean {
    let level: object[] = [message];
    for (let depth = 1; depth <= MAX_MESSAGE_DEPTH; depth++) {
        const next: object[] = [];
        for (const value of level) {
            const children: unknown[] = Object.values(value);
            for (const child of children) {
                if (typeof child === 'object' && child !== null) {
                    next.push(child);
                }
            }
        }
        if (next.length === 0) {
            return false;
        }
        level = next;
    }
    return true;
}

/** An object that does what another does, except for some methods. */
export function changed<T extends object>(target: T, changes: Partial<T>): T {
    return new Proxy(target, {
        get(_, key) {
            const value: unknown = Object.hasOwn(changes, key) ? Reflect.get(changes, key) : Reflect.get(target, key);
            return isFunction(value) ? value.bind(target) : value;
        }
    });
}

function isFunction(value: unknown): value is (...args: unknown[]) => unknown {
    return typeof value === 'function';
}

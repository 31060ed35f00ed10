import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const exposed: unknown = runInNewContext('gc');

function collectGarbage(): void {
    if (typeof exposed !== 'function') {
        throw new Error('This runtime does not let a program collect its garbage');
    }
    Reflect.apply(exposed, undefined, []);
}

/** Finds out which of many objects are still held by somebody. */
export class Holdings {
    private readonly references: WeakRef<object>[] = [];

    add(...objects: object[]): void {
        this.references.push(...objects.map(object => new WeakRef(object)));
    }

    /** How many of the objects outlive a garbage collection. */
    async count(): Promise<number> {
        // References that were used are held until the turn of the event loop is over; sockets let go a little later.
        for (let turn = 0; turn < 5; turn++) {
            await new Promise(resolve => setImmediate(resolve));
            collectGarbage();
        }
        return this.references.filter(reference => reference.deref() !== undefined).length;
    }
}

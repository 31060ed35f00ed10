import { Session } from 'node:inspector/promises';
import { describe, expect, it } from 'vitest';
import { TransientMap } from '../src/server/http/transientMap.js';
import { TransientSet } from '../src/server/http/transientSet.js';

describe('a map whose entries come and go', () => {
    it('finds what it holds, and tells 1 from "1"', () => {
        const map = new TransientMap<string | number, string>();
        map.set(1, 'number');
        map.set('1', 'string');
        expect([map.get(1), map.get('1'), map.get(2), map.size]).toEqual(['number', 'string', undefined, 2]);
        expect([map.delete(1), map.delete(1), map.has(1), map.has('1'), map.size]).toEqual([true, false, false, true, 1]);
    });

    it('takes any text for a key', () => {
        const map = new TransientMap<string, number>();
        for (const key of ['__proto__', 'constructor', '', 'toString']) {
            expect(map.has(key)).toBe(false);
            map.set(key, 1);
            expect(map.has(key)).toBe(true);
        }
        expect([...map].map(([key]) => key)).toEqual(['__proto__', 'constructor', '', 'toString']);
    });

    it('keeps the order in which entries came, or were moved', () => {
        const map = new TransientMap<string, number>();
        ['a', 'b', 'c', 'd'].forEach((key, index) => map.set(key, index));
        map.moveToEnd('a');
        map.moveToEnd('unknown');
        map.set('b', 7);
        map.delete('c');
        expect([...map]).toEqual([
            ['b', 7],
            ['d', 3],
            ['a', 0]
        ]);
        expect(map.values()).toEqual([7, 3, 0]);
    });

    it('goes on when the current entry is removed meanwhile, and is empty after that', () => {
        const map = new TransientMap<number, number>();
        [1, 2, 3].forEach(key => map.set(key, key));
        const seen: number[] = [];
        for (const [key] of map) {
            seen.push(key);
            map.delete(key);
        }
        expect([seen, map.size, map.values()]).toEqual([[1, 2, 3], 0, []]);
        map.set(4, 4);
        map.clear();
        expect([...map]).toEqual([]);
    });

    it('lets what was in it die young, however old it is itself', { timeout: 60_000 }, async () => {
        const transient = new TransientMap<number, unknown>();
        const survivors = await bytesThatGrewOld((key, value) => {
            transient.set(key, value);
            transient.delete(key - 8);
        });
        const map = new Map<number, unknown>();
        const survivorsOfMap = await bytesThatGrewOld((key, value) => {
            map.set(key, value);
            map.delete(key - 8);
        });
        expect(survivors).toBeLessThan(survivorsOfMap / 5);
    });
});

it('a set gives the oldest first, and lets each member be taken out once', () => {
    const set = new TransientSet<string>();
    const removeA = set.add('a');
    set.add('b');
    set.add('a');
    expect([set.oldest, set.size]).toEqual(['a', 3]);
    removeA();
    removeA();
    expect([set.values(), set.oldest]).toEqual([['b', 'a'], 'b']);
});

/** Bytes of what is allocated here that live until a full collection, although nothing needs them for as long. */
async function bytesThatGrewOld(use: (key: number, value: unknown) => void): Promise<number> {
    const inspector = new Session();
    inspector.connect();
    let key = 0;
    const useMany = (times: number): void => {
        for (const end = key + times; key < end; key++) {
            use(key, new Array(128).fill(key));
        }
    };
    useMany(100);
    // What is alive now is old from here on.
    await inspector.post('HeapProfiler.collectGarbage');
    await inspector.post('HeapProfiler.startSampling', { samplingInterval: 16_384, includeObjectsCollectedByMajorGC: true });
    useMany(500_000);
    const { profile } = await inspector.post('HeapProfiler.stopSampling');
    inspector.disconnect();
    return bytesOf(profile.head);
}

interface SamplingNode {
    readonly selfSize: number;
    readonly children: readonly SamplingNode[];
}

function bytesOf(node: SamplingNode): number {
    return node.children.reduce((sum, child) => sum + bytesOf(child), node.selfSize);
}

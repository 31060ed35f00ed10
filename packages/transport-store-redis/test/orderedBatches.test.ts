import { describe, expect, test } from 'vitest';
import { OrderedBatches } from '../src/orderedBatches.js';
import { signal } from './support/stores.js';

/** Batches that are answered when the test says so. */
function controlled({
    failsBehind = false,
    mayJoin = () => true
}: { failsBehind?: boolean; mayJoin?: (a: string, b: string) => boolean } = {}) {
    const running: { readonly lane: string; readonly items: readonly string[]; answer(): void; fail(): void }[] = [];
    let started = signal();
    const batches = new OrderedBatches<string, string>({
        run: (lane, items) =>
            new Promise((resolve, reject) => {
                running.push({
                    lane,
                    items,
                    answer: () => resolve(items.map(item => `${item}!`)),
                    fail: () => reject(new Error('failed'))
                });
                started.resolve();
            }),
        textsOf: item => [item],
        mayJoin,
        failsBehind
    });
    /** The batch with this index, when it has been started. */
    const batch = async (index: number) => {
        for (;;) {
            const found = running[index];
            if (found !== undefined) {
                return found;
            }
            started = signal();
            await started.promise;
        }
    };
    return { batches, batch, running };
}

describe('items of a lane', () => {
    test('that are added in one go make one batch, and each gets its own result', async () => {
        const { batches, batch } = controlled();
        const results = Promise.all(['a', 'b', 'c'].map(item => batches.add('lane', item)));
        const first = await batch(0);
        expect(first.items).toEqual(['a', 'b', 'c']);
        first.answer();
        expect(await results).toEqual(['a!', 'b!', 'c!']);
    });

    test('wait until those in front of them were answered, and then go together', async () => {
        const { batches, batch, running } = controlled();
        void batches.add('lane', 'a');
        const first = await batch(0);
        void batches.add('lane', 'b');
        const last = batches.add('lane', 'c');
        expect(running).toHaveLength(1);
        first.answer();
        const second = await batch(1);
        expect(second.items).toEqual(['b', 'c']);
        second.answer();
        expect(await last).toBe('c!');
    });

    test('do not wait for those of another lane', async () => {
        const { batches, batch } = controlled();
        void batches.add('one', 'a');
        void batches.add('other', 'b');
        expect([(await batch(0)).lane, (await batch(1)).lane]).toEqual(['one', 'other']);
    });

    test('go apart where they may not join', async () => {
        const { batches, batch } = controlled({ mayJoin: previous => previous !== 'last' });
        for (const item of ['a', 'last', 'b']) {
            void batches.add('lane', item);
        }
        const first = await batch(0);
        first.answer();
        expect([first.items, (await batch(1)).items]).toEqual([['a', 'last'], ['b']]);
    });

    test('make batches of a limited size, but a single item may be of any', async () => {
        const { batches, batch } = controlled();
        const large = 'x'.repeat(1_000_000);
        for (const item of [large, 'a', large, ...Array.from({ length: 300 }, (_, index) => String(index))]) {
            void batches.add('lane', item);
        }
        const sizes: number[] = [];
        for (let index = 0; index < 5; index++) {
            const { items, answer } = await batch(index);
            sizes.push(items.length);
            answer();
        }
        expect(sizes).toEqual([1, 1, 1, 256, 44]);
    });

    test('go on behind a batch that failed', async () => {
        const { batches, batch } = controlled();
        const failing = batches.add('lane', 'a');
        const first = await batch(0);
        const next = batches.add('lane', 'b');
        first.fail();
        await expect(failing).rejects.toThrow('failed');
        (await batch(1)).answer();
        expect(await next).toBe('b!');
    });

    test('fail with a batch in front of them if they are to, but later ones do not', async () => {
        const { batches, batch } = controlled({ failsBehind: true });
        const failing = batches.add('lane', 'a');
        const first = await batch(0);
        const behind = batches.add('lane', 'b');
        first.fail();
        await expect(failing).rejects.toThrow('failed');
        await expect(behind).rejects.toThrow('failed');
        const later = batches.add('lane', 'c');
        (await batch(1)).answer();
        expect(await later).toBe('c!');
    });

    test('are refused when too many wait', async () => {
        const { batches, batch } = controlled();
        void batches.add('lane', 'a');
        await batch(0);
        for (let index = 0; index < 10_000; index++) {
            void batches.add('lane', String(index));
        }
        await expect(batches.add('lane', 'too many')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    });
});

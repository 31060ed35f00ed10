import { expect, test } from 'vitest';
import { caught, caughtBy } from '../broken/caught.ts';
import { defects, isDefect } from '../broken/defects.ts';
import { judge } from '../broken/judge.ts';
import { manifest } from '../src/manifest/manifest.ts';

/** The longest checks wait for what the defect keeps from coming. */
const timeoutMs = 180_000;

test('has a broken server for each requirement, and no other', () => {
    expect(Object.keys(caught).toSorted()).toEqual(manifest.map(({ id }) => id).toSorted());
});

test('finds nothing wrong with a server that has no defect', { timeout: timeoutMs }, async () => {
    const results = await judge(undefined, '*');
    expect(results.filter(({ outcome }) => outcome !== 'pass').map(({ id, outcome, reason }) => ({ id, outcome, reason }))).toEqual([]);
});

for (const name of Object.keys(defects).filter(isDefect)) {
    test.concurrent(`notices that a server ${lowerFirst(defects[name].title)} (${name})`, { timeout: timeoutMs }, async () => {
        const ids = caughtBy(name);
        expect(ids).not.toEqual([]);
        const results = await judge(defects[name], ids.join(','));
        expect(Object.fromEntries(results.map(({ id, outcome }) => [id, outcome]))).toEqual(
            Object.fromEntries(ids.map(id => [id, 'fail']))
        );
    });
}

function lowerFirst(text: string): string {
    return text.charAt(0).toLowerCase() + text.slice(1);
}

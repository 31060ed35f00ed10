/** What the documents say of the targets is what the baselines say. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { manifest } from '../src/manifest/manifest.ts';
import { readMarkedSection, replaceMarkedSection } from '../src/matrix/markedSection.ts';
import { areaTable, type Column, readRequirementTable, requirementTable } from '../src/matrix/matrix.ts';
import { loadBaseline } from '../src/run/baseline.ts';
import { listTargets, loadTarget } from '../src/targets/target.ts';

const root = path.resolve(import.meta.dirname, '../..');
const readme = await readFile(path.join(root, 'README.md'), 'utf8');
const details = await readFile(path.join(root, 'docs/matrix.md'), 'utf8');
const columns = readRequirementTable(details);

describe('docs/matrix.md', () => {
    it('has every shipped target and every requirement', async () => {
        expect(columns.map(({ target }) => target)).toEqual(await listTargets());
        for (const { outcomes } of columns) {
            expect([...outcomes.keys()]).toEqual(manifest.map(({ id }) => id));
        }
    });

    it.each(columns)('says of $target that it fails where its baseline says so', async ({ target, outcomes }) => {
        const baseline = await loadBaseline(await loadTarget(target));
        const failed = [...outcomes].filter(([, outcome]) => outcome === 'fail').map(([id]) => id);
        const always = [...baseline].filter(([, why]) => typeof why === 'string').map(([id]) => id);
        expect(failed.filter(id => !baseline.has(id))).toEqual([]);
        expect(always.filter(id => !failed.includes(id))).toEqual([]);
        expect([...outcomes].filter(([, outcome]) => outcome === 'inconclusive')).toEqual([]);
    });
});

describe('the README', () => {
    it('counts what docs/matrix.md lists', () => {
        expect(readMarkedSection(readme)).toContain(`\n\n${areaTable(manifest, columns)}`);
    });
});

describe('a matrix', () => {
    const requirements = manifest.filter(({ id }) => id.startsWith('limits.') || id.startsWith('drain.')).slice(0, 7);
    const outcomes = ['pass', 'fail', 'inconclusive', 'not-run', 'not-applicable', 'pass', 'pass'] as const;
    const column: Column = {
        target: 'mine',
        outcomes: new Map(requirements.map(({ id }, index) => [id, outcomes[index] ?? 'not-run']))
    };

    it('can be read again', () => {
        expect(readRequirementTable(`Text.\n\n${requirementTable(requirements, [column])}\n`)).toEqual([column]);
    });

    it('counts by area, and in all', () => {
        expect(areaTable(requirements, [column]).split('\n')).toEqual([
            '| area   | mine               |',
            '| ------ | ------------------ |',
            '| limits | 1 ✓, 1 ✗, 1 ?, 2 – |',
            '| drain  | 2 ✓                |',
            '| all    | 3 ✓, 1 ✗, 1 ?, 2 – |'
        ]);
    });

    it('is put where the document says, and nowhere else', () => {
        const document = `before\n\n${readme.slice(readme.indexOf('<!-- Written'), readme.indexOf('<!-- End'))}<!-- End of what is written -->\nafter\n`;
        const written = replaceMarkedSection(document, 'table');
        expect(readMarkedSection(written)).toBe('table');
        expect(written).toMatch(/^before\n\n[^]*\nafter\n$/);
        expect(() => replaceMarkedSection('nothing', 'table')).toThrow(/should have the lines/);
    });
});

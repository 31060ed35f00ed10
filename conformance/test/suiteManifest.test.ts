/** The manifest and the checks belong together, one to one. */
import { describe, expect, it } from 'vitest';
import { checks } from '../src/checks/checks.ts';
import { manifest } from '../src/manifest/manifest.ts';
import { loadBaseline } from '../src/run/baseline.ts';
import { isRemote, listTargets, loadTarget } from '../src/targets/target.ts';

const areas = [
    'session',
    'security',
    'routing',
    'streams',
    'resumption',
    'deletion',
    'failure',
    'drain',
    'deploy',
    'limits',
    'protocol',
    'workload',
    'client'
];

const ids = manifest.map(({ id }) => id);
const checkIds = checks.map(({ id }) => id);

describe('the manifest', () => {
    it('has a check for every requirement', () => {
        expect(ids.filter(id => !checkIds.includes(id))).toEqual([]);
    });

    it('has a requirement for every check', () => {
        expect(checkIds.filter(id => !ids.includes(id))).toEqual([]);
    });

    it('names each requirement, and each check, once', () => {
        expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
        expect(checkIds.filter((id, index) => checkIds.indexOf(id) !== index)).toEqual([]);
    });

    it.each(manifest)('describes $id', ({ id, title, nodes, source, faults }) => {
        expect(id).toMatch(/^[a-z]+\.[a-z0-9]+(-[a-z0-9]+)*$/);
        expect(areas).toContain(id.split('.')[0]);
        expect(title).toMatch(/\.$/);
        expect(nodes).toBeGreaterThan(0);
        if ('rule' in source) {
            expect(source.rule).toMatch(/^R([1-9]|1[0-9]|20)$/);
        } else {
            expect(source.revision).toMatch(/^\d{4}-\d\d-\d\d$/);
        }
        const { settings } = checks.find(check => check.id === id) ?? {};
        expect(faults.includes('configure')).toBe(settings !== undefined);
    });

    it('has enough of them', () => {
        expect(manifest.length).toBeGreaterThanOrEqual(60);
    });
});

describe('the shipped targets', async () => {
    const names = await listTargets();

    it.each(names)('%s can be loaded, with a baseline that knows no requirement that does not exist', async name => {
        const target = await loadTarget(name);
        const baseline = await loadBaseline(target);
        expect(isRemote(target)).toBe(false);
        expect([...baseline.keys()].filter(id => !ids.includes(id))).toEqual([]);
    });
});

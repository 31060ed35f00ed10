import { readFileSync } from 'node:fs';
import path from 'node:path';
import semver from 'semver';
import { describe, expect, test } from 'vitest';
import { listPackages } from '../../scripts/workspace-packages.mjs';
import { listDocuments, withPresentVersions } from '../src/documents.ts';
import { listPublishedPackages, workspaceRoot } from '../src/publishedPackages.ts';
import { isForkVersion, upstreamVersion, upstreamVersionIn } from './support/forkVersion.ts';

const packages = listPublishedPackages();
const upstream = upstreamVersion();
const fork = packages.find(({ shortName }) => shortName === 'sdk')!.version;

test('every folder of the workspace uses the same release of upstream', () => {
    const releases = listPackages()
        .map(({ folder }) => upstreamVersionIn(folder))
        .filter(version => version !== undefined);
    expect(releases.length).toBeGreaterThan(1);
    expect(new Set(releases)).toEqual(new Set([upstream]));
});

test.each(packages)('the version of $name is one that ranges match', ({ version }) => {
    expect(semver.valid(version)).toBe(version);
    expect(semver.prerelease(version)).toBeNull();
});

describe('the version of the fork', () => {
    test('tells which release of upstream it stands in for', () => {
        expect(isForkVersion(fork, upstream), `${fork} for ${upstream}`).toBe(true);
    });

    test('is none of upstream’s, as TypeScript takes packages of one name and version for one', () => {
        expect(fork).not.toBe(upstream);
        expect(isForkVersion(upstream, upstream)).toBe(false);
    });

    test.each([
        ['1.32.250', '1.32.2', true],
        ['1.32.299', '1.32.2', true],
        ['1.32.249', '1.32.2', false],
        ['1.32.300', '1.32.2', false],
        ['1.32.350', '1.32.2', false],
        ['1.33.250', '1.32.2', false],
        ['1.33.50', '1.33.0', true],
        ['1.33.1', '1.33.0', false],
        ['1.32.251-beta.1', '1.32.2', false]
    ])('may %s be it for upstream’s %s: %s', (version, of, expected) => {
        expect(isForkVersion(version, of)).toBe(expected);
    });

    test.each([`^${upstream}`, `~${upstream}`, `>=${upstream}`, '^1.0.0', '1.x'])('is in the range %s, which upstream’s is in', range => {
        expect(semver.satisfies(upstream, range)).toBe(true);
        expect(semver.satisfies(fork, range)).toBe(true);
    });
});

test.each(listDocuments().map(file => path.relative(workspaceRoot, file)))('%s names the present releases', name => {
    const text = readFileSync(path.join(workspaceRoot, name), 'utf8');
    expect(text).toBe(withPresentVersions(text, packages));
});

test('a new version takes the place of the one before in documents, and of no other package’s', () => {
    const text = 'Install `git+https://git.example.com/sdk.git#release/example/v1.2.3`, not `release/other/v1.2.3` nor `release/example`.';
    const present = [{ name: '@example/example', shortName: 'example', folder: '', version: '1.10.0' }];
    expect(withPresentVersions(text, present)).toBe(text.replace('example/v1.2.3', 'example/v1.10.0'));
});

import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { releaseManifest, withPackageTree } from '../src/packageTree.ts';
import { listPublishedPackages, workspaceRoot } from '../src/publishedPackages.ts';
import { ReleaseError } from '../src/releaseError.ts';

const installedManifest = z.looseObject({ name: z.string(), version: z.string(), exports: z.record(z.string(), z.unknown()) });

/** The files that an export map names, except those of patterns. */
function exportedFiles(exports: unknown): string[] {
    if (typeof exports === 'string') {
        return exports.includes('*') ? [] : [exports];
    }
    return typeof exports === 'object' && exports !== null ? Object.values(exports).flatMap(exportedFiles) : [];
}

interface Released {
    readonly names: readonly string[];
    readonly manifest: z.infer<typeof installedManifest>;
    /** Files that name the folder in which they were built. */
    readonly revealing: readonly string[];
}

async function readReleased(folder: string): Promise<Released> {
    const names = (await readdir(folder, { recursive: true, withFileTypes: true }))
        .filter(entry => entry.isFile())
        .map(entry => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'));
    const texts = await Promise.all(names.map(name => readFile(path.join(folder, name), 'utf8')));
    return {
        names,
        manifest: installedManifest.parse(JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'))),
        revealing: names.filter((_, index) => texts[index]?.includes(workspaceRoot))
    };
}

describe.each(listPublishedPackages())('a release of $name', entry => {
    let released: Released;
    beforeAll(async () => {
        released = await withPackageTree(entry, readReleased);
    });

    test('has the files that the package exports, and says what may be done with them', () => {
        const { names, manifest } = released;
        expect(names).toEqual(expect.arrayContaining(['package.json', 'LICENSE']));
        const exported = exportedFiles(manifest.exports).map(name => name.replace('./', ''));
        // Upstream's export map has one entry to a file that upstream does not have, and so has the fork's.
        const absent = exported.filter(name => !names.includes(name) && existsSync(path.join(entry.folder, name)));
        expect(absent).toEqual([]);
        expect(exported.filter(name => names.includes(name))).not.toEqual([]);
    });

    test('consists of nothing that is for development', () => {
        const { names, revealing } = released;
        expect(names.filter(name => !/^(dist\/|package\.json$|README\.md$|LICENSE$|CHANGELOG\.md$)/.test(name))).toEqual([]);
        expect(revealing).toEqual([]);
    });

    test('has nothing that a package manager would run or build', () => {
        for (const field of ['scripts', 'devDependencies', 'packageManager']) {
            expect(released.manifest).not.toHaveProperty(field);
        }
    });

    test('depends on nothing but ranges of the registry', () => {
        expect(JSON.stringify(released.manifest)).not.toMatch(/workspace:|catalog:|link:|file:/);
    });
});

test.each(['workspace:^', 'workspace:*', 'catalog:', 'link:../sdk', 'file:../sdk', 'github:example/example', 'latest', ''])(
    'a dependency on "%s" is refused',
    range => {
        const release = () => releaseManifest({ name: 'example', peerDependencies: { other: range } });
        expect(release).toThrow(ReleaseError);
        expect(release).toThrow(`"other": "${range}"`);
    }
);

test.each(['1.2.3', '^1.2.3', '~1.2', '>=1 <3', '^3.25 || ^4.0', '*', 'npm:@scope/name@1.2.3', 'npm:name@^1.0.0'])(
    'a dependency on "%s" is released',
    range => {
        const manifest = { name: 'example', dependencies: { other: range } };
        expect(releaseManifest({ ...manifest, scripts: { build: 'tsc' }, devDependencies: { other: 'workspace:*' } })).toEqual(manifest);
    }
);

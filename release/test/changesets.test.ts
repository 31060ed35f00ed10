import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import semver from 'semver';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { listPackages } from '../../scripts/workspace-packages.mjs';
import { listPublishedPackages, workspaceRoot } from '../src/publishedPackages.ts';
import { isForkVersion, upstreamVersion } from './support/forkVersion.ts';

const work = await mkdtemp(path.join(tmpdir(), 'changesets-'));
afterAll(() => rm(work, { recursive: true, force: true }));

const versionSchema = z.object({ version: z.string() });

/** Raises the versions in a copy of what changesets reads of this workspace, and returns the folder of the copy. */
async function raiseVersions(change: (folder: string) => Promise<void> = async () => undefined): Promise<string> {
    const folder = await mkdtemp(path.join(work, 'workspace-'));
    const manifests = listPackages().map(entry => path.relative(workspaceRoot, path.join(entry.folder, 'package.json')));
    for (const name of ['package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml', '.prettierrc', '.changeset', ...manifests]) {
        await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
        await cp(path.join(workspaceRoot, name), path.join(folder, name), { recursive: true });
    }
    await change(folder);
    if ((await pendingChangesets(folder)).length === 0) {
        return folder;
    }
    const program = path.join(workspaceRoot, 'node_modules/@changesets/cli/bin.js');
    await promisify(execFile)(process.execPath, [program, 'version'], { cwd: folder });
    return folder;
}

async function versionIn(folder: string, packageFolder: string): Promise<string> {
    const text = await readFile(path.join(folder, path.relative(workspaceRoot, packageFolder), 'package.json'), 'utf8');
    return versionSchema.parse(JSON.parse(text)).version;
}

async function pendingChangesets(folder: string): Promise<string[]> {
    return (await readdir(path.join(folder, '.changeset'))).filter(name => name.endsWith('.md') && name !== 'README.md');
}

test('the pending changesets make versions that ranges match, and none that is upstream’s', async () => {
    const folder = await raiseVersions();

    expect(await pendingChangesets(folder)).toEqual([]);
    for (const { name, shortName, folder: packageFolder, version } of listPublishedPackages()) {
        const next = await versionIn(folder, packageFolder);
        expect(semver.gte(next, version), `${name} ${version} -> ${next}`).toBe(true);
        expect(semver.prerelease(next)).toBeNull();
        if (shortName === 'sdk') {
            expect(isForkVersion(next, upstreamVersion()), `A changeset of ${name} has to be a patch, or it becomes ${next}`).toBe(true);
        }
    }
});

test('a patch of the fork is one, leaves the versions of the stores, and gets into the changelog', async () => {
    const before = await raiseVersions();
    const folder = await raiseVersions(async copy => {
        for (const name of await pendingChangesets(copy)) {
            await rm(path.join(copy, '.changeset', name));
        }
        await writeFile(path.join(copy, '.changeset/example.md'), "---\n'@modelcontextprotocol/sdk': patch\n---\n\nSomething works.\n");
    });

    for (const { shortName, folder: packageFolder, version } of listPublishedPackages()) {
        expect(await versionIn(folder, packageFolder)).toBe(shortName === 'sdk' ? semver.inc(version, 'patch') : version);
    }
    expect(await readFile(path.join(folder, 'packages/sdk/CHANGELOG.md'), 'utf8')).toContain('Something works.');
    // What is private has no versions to raise.
    expect(await versionIn(before, path.join(workspaceRoot, 'release'))).toBe('0.0.0');
});

import { copyFile, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { runPnpm } from '../../scripts/toolchain.mjs';
import { runCommand } from './command.ts';
import type { PublishedPackage } from './publishedPackages.ts';
import { ReleaseError } from './releaseError.ts';

/**
 * What of a manifest is about building the package in this workspace. Package managers would otherwise build a git dependency after its
 * download: npm does so for as little as a script called `build`, and installs `devDependencies` for it.
 */
const workspaceFields = ['scripts', 'devDependencies', 'packageManager', 'publishConfig'];

const dependencyFields = ['dependencies', 'peerDependencies', 'optionalDependencies'];

/** A version range, or the alias of one, in the registry: all that everybody can install. */
const installable = /^(npm:(@[\w.-]+\/)?[\w.-]+@)?[\d^~<>=*x][\w\s.+^~<>=|*-]*$/;

const manifestSchema = z.looseObject({ name: z.string() });
const dependenciesSchema = z.record(z.string(), z.string()).optional();

/**
 * The manifest that a release has.
 * @throws ReleaseError `NOT_INSTALLABLE` if it depends on something that is not a version range of the registry.
 */
export function releaseManifest(manifest: Record<string, unknown>): Record<string, unknown> {
    for (const field of dependencyFields) {
        for (const [name, range] of Object.entries(dependenciesSchema.parse(manifest[field]) ?? {})) {
            if (!installable.test(range)) {
                throw new ReleaseError(
                    'NOT_INSTALLABLE',
                    `${String(manifest.name)} has "${name}": "${range}" in its ${field}, which nobody outside of this workspace can install.\n` +
                        'Name a version range, or "workspace:^" for a package of this workspace.'
                );
            }
        }
    }
    return Object.fromEntries(Object.entries(manifest).filter(([field]) => !workspaceFields.includes(field)));
}

/**
 * Calls back with a temporary folder that holds what a release of the package consists of: what `pnpm pack` puts into a package, with
 * the ranges of workspace packages resolved, plus the changelog, and the manifest without what is for this workspace only.
 * The package has to be built.
 */
export async function withPackageTree<Result>(entry: PublishedPackage, use: (folder: string) => Promise<Result>): Promise<Result> {
    const work = await mkdtemp(path.join(tmpdir(), 'release-tree-'));
    try {
        if ((await runPnpm(['--silent', '--dir', entry.folder, 'pack', '--pack-destination', work])) !== 0) {
            throw new ReleaseError('COMMAND_FAILED', `${entry.name} could not be packed; the output above says why.`);
        }
        const [archive] = await readdir(work);
        if (archive === undefined) {
            throw new ReleaseError('COMMAND_FAILED', `pnpm made no archive of ${entry.name}.`);
        }
        await runCommand('tar', ['-xzf', archive], { cwd: work });
        const folder = path.join(work, 'package');

        const manifestFile = path.join(folder, 'package.json');
        const manifest = manifestSchema.parse(JSON.parse(await readFile(manifestFile, 'utf8')));
        await writeFile(manifestFile, `${JSON.stringify(releaseManifest(manifest), undefined, 4)}\n`);

        const changelog = path.join(entry.folder, 'CHANGELOG.md');
        if (await stat(changelog).catch(() => undefined)) {
            await copyFile(changelog, path.join(folder, 'CHANGELOG.md'));
        }
        return await use(folder);
    } finally {
        await rm(work, { recursive: true, force: true });
    }
}

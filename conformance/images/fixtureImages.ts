import { createHash, type Hash } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { run } from '../src/docker/command.ts';
import { hasImage } from './baseImages.ts';

/** The fixture servers, each of which is an image. */
export const fixtures = ['sdk', 'upstream'] as const;

export type Fixture = (typeof fixtures)[number];

const packageFolder = path.resolve(import.meta.dirname, '..');
const workspaceFolder = path.resolve(packageFolder, '..');

/** Marks images that hold a state of this workspace, so that old ones can be found. */
const label = 'org.modelcontextprotocol.session-conformance.image=fixture';

const deployTimeoutMs = 180_000;
const buildTimeoutMs = 180_000;
const pruneTimeoutMs = 60_000;

/**
 * Builds the images of the fixture servers from the workspace as it is built now, unless they exist.
 * @param base image to build on, with Node 24 or newer.
 */
export async function buildFixtureImages(base: string, log: (line: string) => void): Promise<Record<Fixture, string>> {
    const hash = await hashOfContent(base);
    const nameOf = (fixture: Fixture) => `session-conformance/fixture-${fixture}:${hash}`;
    const images = { sdk: nameOf('sdk'), upstream: nameOf('upstream') };
    const present = await Promise.all(fixtures.map(fixture => hasImage(images[fixture])));
    if (present.every(Boolean)) {
        return images;
    }
    log('Building the images of the fixture servers ...');
    await removeOldImages();
    const context = await mkdtemp(path.join(tmpdir(), 'session-conformance-context-'));
    try {
        await stage(context);
        for (const fixture of fixtures) {
            const file = path.join(import.meta.dirname, 'fixture.Dockerfile');
            const args = ['--file', file, '--target', fixture, '--build-arg', `BASE=${base}`, '--label', label, '--tag', images[fixture]];
            await run('docker', ['build', '--quiet', ...args, context], { timeoutMs: buildTimeoutMs });
        }
    } finally {
        await rm(context, { recursive: true, force: true });
    }
    return images;
}

/** Installs this package, with what it needs in production, into a folder. */
async function stage(folder: string): Promise<void> {
    const pnpm = path.join(workspaceFolder, 'scripts/pnpm.mjs');
    const { name } = await readManifest(packageFolder);
    const args = [pnpm, '--filter', name, 'deploy', '--prod', '--legacy', folder];
    await run(process.execPath, args, { cwd: workspaceFolder, timeoutMs: deployTimeoutMs });
    // pnpm copies what `files` names when it packs a package; this folder is the one thing that must be there.
    await cp(path.join(packageFolder, 'fixtures'), path.join(folder, 'fixtures'), { recursive: true });
}

async function removeOldImages(): Promise<void> {
    const args = ['image', 'prune', '--all', '--force', '--filter', `label=${label}`, '--filter', 'until=24h'];
    await run('docker', args, { timeoutMs: pruneTimeoutMs });
}

/** Stands for everything that goes into the images. */
async function hashOfContent(base: string): Promise<string> {
    const baseId = await run('docker', ['image', 'inspect', '--format', '{{.Id}}', base], { timeoutMs: pruneTimeoutMs });
    const hash = createHash('sha256').update(baseId);
    await addTree(hash, path.join(import.meta.dirname, 'fixture.Dockerfile'));
    await addTree(hash, path.join(workspaceFolder, 'pnpm-lock.yaml'));
    await addTree(hash, path.join(packageFolder, 'fixtures'));
    for (const folder of await workspaceDependencies(packageFolder)) {
        await addTree(hash, path.join(folder, 'package.json'));
        await addTree(hash, path.join(folder, 'dist'));
    }
    return hash.digest('hex').slice(0, 12);
}

async function addTree(hash: Hash, file: string): Promise<void> {
    const entries = await readdir(file, { withFileTypes: true, recursive: true }).catch(() => undefined);
    if (entries === undefined) {
        hash.update(`${path.relative(workspaceFolder, file)}\0`).update(await readFile(file));
        return;
    }
    const files = entries.filter(entry => entry.isFile()).map(entry => path.join(entry.parentPath, entry.name));
    for (const name of files.sort()) {
        hash.update(`${path.relative(workspaceFolder, name)}\0`).update(await readFile(name));
    }
}

/** This package and the packages of this workspace that it needs, each once. */
async function workspaceDependencies(folder: string, found: Set<string> = new Set()): Promise<ReadonlySet<string>> {
    const { dependencies } = await readManifest(folder);
    for (const [name, range] of Object.entries(dependencies)) {
        if (range.startsWith('workspace:')) {
            const dependency = await realpath(path.join(folder, 'node_modules', name));
            if (!found.has(dependency)) {
                found.add(dependency);
                await workspaceDependencies(dependency, found);
            }
        }
    }
    return found;
}

const manifest = z.object({ name: z.string(), dependencies: z.record(z.string(), z.string()).default({}) });

async function readManifest(folder: string): Promise<z.infer<typeof manifest>> {
    return manifest.parse(JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8')));
}

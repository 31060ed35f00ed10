import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from '../src/docker/command.ts';
import { hasImage } from './baseImages.ts';
import { listProductionFiles, type ProductionFiles } from './productionFiles.ts';

/** Names of the images of the fixture servers. */
export interface FixtureImages {
    readonly sdk: string;
    readonly upstream: string;
}

const packageFolder = path.resolve(import.meta.dirname, '..');
const workspaceFolder = path.resolve(packageFolder, '..');

/** Marks images that hold a state of this workspace, so that old ones can be found. */
const label = 'org.modelcontextprotocol.session-conformance.image=fixture';

const inspectTimeoutMs = 15_000;
const packTimeoutMs = 60_000;
const buildTimeoutMs = 180_000;
const pruneTimeoutMs = 120_000;

/**
 * Builds the images of the fixture servers from the workspace as it is built now, unless they exist.
 * @param base image to build on, with Node 24 or newer.
 */
export async function buildFixtureImages(base: string, log: (line: string) => void): Promise<FixtureImages> {
    const files = await listProductionFiles(workspaceFolder, packageFolder, ['fixtures']);
    const dependencies = `session-conformance/fixture-dependencies:${await hashOfDependencies(base, files)}`;
    const hash = await hashOfOwn(dependencies, files);
    const images = { sdk: `session-conformance/fixture-sdk:${hash}`, upstream: `session-conformance/fixture-upstream:${hash}` };
    if ((await hasImage(images.sdk)) && (await hasImage(images.upstream))) {
        return images;
    }
    log('Building the images of the fixture servers ...');
    await removeOldImages();
    if (!(await hasImage(dependencies))) {
        await build(dependencies, base, 'dependencies.Dockerfile', files.installed);
    }
    await build(images.sdk, dependencies, 'fixture.Dockerfile', [...files.own, ...files.links]);
    await deriveWithCommand(images.upstream, images.sdk, ['node', 'conformance/fixtures/upstream/server.ts']);
    return images;
}

/** Builds an image from a Dockerfile of this folder and files of the workspace. */
async function build(tag: string, base: string, dockerfile: string, files: readonly string[]): Promise<void> {
    await withScratchFolder(async scratch => {
        const context = path.join(scratch, 'context.tar');
        const definition = path.relative(workspaceFolder, path.join(import.meta.dirname, dockerfile));
        const options = ['--create', '--file', context, '--directory', workspaceFolder, '--owner=0', '--group=0'];
        await run('tar', [...options, definition, ...files], { timeoutMs: packTimeoutMs });
        await dockerBuild(tag, context, ['--file', definition, '--build-arg', `BASE=${base}`]);
    });
}

/** Makes an image that differs from another in its command only. */
async function deriveWithCommand(tag: string, base: string, command: readonly string[]): Promise<void> {
    await withScratchFolder(async scratch => {
        const definition = path.join(scratch, 'Dockerfile');
        await writeFile(definition, `FROM ${base}\nCMD ${JSON.stringify(command)}\n`);
        await dockerBuild(tag, definition, []);
    });
}

/** @param input archive that holds the context, or a Dockerfile that needs none. */
async function dockerBuild(tag: string, input: string, options: readonly string[]): Promise<void> {
    await run('docker', ['build', '--quiet', '--label', label, '--tag', tag, ...options, '-'], { timeoutMs: buildTimeoutMs, input });
}

async function removeOldImages(): Promise<void> {
    const args = ['image', 'prune', '--all', '--force', '--filter', `label=${label}`, '--filter', 'until=24h'];
    await run('docker', args, { timeoutMs: pruneTimeoutMs });
}

async function withScratchFolder(action: (folder: string) => Promise<void>): Promise<void> {
    const folder = await mkdtemp(path.join(tmpdir(), 'session-conformance-image-'));
    try {
        await action(folder);
    } finally {
        await rm(folder, { recursive: true, force: true });
    }
}

async function hashOfDependencies(base: string, { installed }: ProductionFiles): Promise<string> {
    const baseId = await run('docker', ['image', 'inspect', '--format', '{{.Id}}', base], { timeoutMs: inspectTimeoutMs });
    // The names of the folders of installed packages tell their versions.
    return hashOf([[baseId, ...installed].join('\n'), await readFile(path.join(import.meta.dirname, 'dependencies.Dockerfile'))]);
}

async function hashOfOwn(dependencies: string, { own, links }: ProductionFiles): Promise<string> {
    const parts: (string | Buffer)[] = [
        dependencies,
        links.join('\n'),
        await readFile(path.join(import.meta.dirname, 'fixture.Dockerfile'))
    ];
    for (const file of (await Promise.all(own.map(entry => listFiles(path.join(workspaceFolder, entry))))).flat()) {
        parts.push(path.relative(workspaceFolder, file), await readFile(file));
    }
    return hashOf(parts);
}

/** The file itself, or all files in a folder, in an order that is always the same. */
async function listFiles(entry: string): Promise<string[]> {
    const entries = await readdir(entry, { withFileTypes: true, recursive: true }).catch(() => undefined);
    if (entries === undefined) {
        return [entry];
    }
    return entries
        .filter(file => file.isFile())
        .map(file => path.join(file.parentPath, file.name))
        .sort();
}

function hashOf(parts: readonly (string | Buffer)[]): string {
    const hash = createHash('sha256');
    for (const part of parts) {
        hash.update(`${part.length}\0`).update(part);
    }
    return hash.digest('hex').slice(0, 12);
}

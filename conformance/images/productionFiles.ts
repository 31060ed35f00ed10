import { lstat, readdir, readFile, realpath } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

/** What of a workspace one of its packages needs to run. Paths are relative to the workspace. */
export interface ProductionFiles {
    /** Folders of installed packages, whose names tell their versions. */
    readonly installed: readonly string[];
    /** Files and folders of the workspace itself. */
    readonly own: readonly string[];
    /** Links by which packages find each other. */
    readonly links: readonly string[];
}

const virtualStore = 'node_modules/.pnpm';

/**
 * Finds what a package needs to run: its own folders that are given, and its dependencies as pnpm has installed them, with those that
 * are packages of the same workspace as they are built now.
 *
 * Taken to another place with the same relative paths, these files work there. That is what `pnpm deploy` does too, only that it
 * resolves and copies everything anew, which takes longer than all the rest of building an image.
 */
export async function listProductionFiles(workspace: string, folder: string, contents: readonly string[]): Promise<ProductionFiles> {
    const installed = new Set<string>();
    const own = new Set<string>();
    const links = new Set<string>();

    async function addOwn(folder: string, contents: readonly string[]): Promise<void> {
        for (const name of ['package.json', ...contents]) {
            own.add(path.join(folder, name));
        }
        for (const name of await dependenciesOf(path.join(workspace, folder))) {
            await addLink(path.join(folder, 'node_modules', name));
        }
    }

    /** Adds a link in a `node_modules` folder, and what it leads to. */
    async function addLink(link: string): Promise<void> {
        links.add(link);
        const target = path.relative(workspace, await realpath(path.join(workspace, link)));
        if (!target.startsWith(virtualStore)) {
            if (!own.has(path.join(target, 'package.json'))) {
                await addOwn(target, ['dist']);
            }
            return;
        }
        const [entry] = path.relative(virtualStore, target).split(path.sep);
        const store = path.join(virtualStore, entry ?? '');
        if (installed.has(store)) {
            return;
        }
        installed.add(store);
        // Beside a package in the virtual store lie links to all that it depends on.
        for (const neighbour of await listModules(path.join(workspace, store, 'node_modules'))) {
            const file = path.join(store, 'node_modules', neighbour);
            if ((await lstat(path.join(workspace, file))).isSymbolicLink()) {
                await addLink(file);
            }
        }
    }

    await addOwn(path.relative(workspace, folder), contents);
    // What lies within an installed folder comes with it.
    const separate = [...links].filter(link => !link.startsWith(virtualStore));
    return { installed: [...installed].sort(), own: [...own].sort(), links: separate.sort() };
}

/** Names of the packages in a `node_modules` folder. */
async function listModules(folder: string): Promise<string[]> {
    const names = (await readdir(folder)).filter(name => !name.startsWith('.'));
    const nested = await Promise.all(
        names.map(async name => (name.startsWith('@') ? (await readdir(path.join(folder, name))).map(inner => `${name}/${inner}`) : [name]))
    );
    return nested.flat();
}

const names = z.record(z.string(), z.unknown()).default({});
const manifest = z.object({
    dependencies: names,
    peerDependencies: names,
    peerDependenciesMeta: z.record(z.string(), z.object({ optional: z.boolean().optional() })).default({})
});

/** What a package can't do without. */
async function dependenciesOf(folder: string): Promise<string[]> {
    const text = await readFile(path.join(folder, 'package.json'), 'utf8');
    const { dependencies, peerDependencies, peerDependenciesMeta } = manifest.parse(JSON.parse(text));
    const peers = Object.keys(peerDependencies).filter(name => peerDependenciesMeta[name]?.optional !== true);
    return [...new Set([...Object.keys(dependencies), ...peers])];
}

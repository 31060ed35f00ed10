import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

export const forkName = '@modelcontextprotocol/sdk';
export const upstreamName = '@modelcontextprotocol/sdk-upstream';

/** Folder of the package under test. */
export const forkRoot = path.resolve(import.meta.dirname, '../..');

/** Folder of the upstream release; its `package.json` subpath leads to the file of that name in dist/cjs. */
export const upstreamRoot = path.resolve(path.dirname(createRequire(import.meta.url).resolve(`${upstreamName}/package.json`)), '../..');

export interface Manifest {
    version: string;
    type: string;
    engines: Record<string, string>;
    exports: Record<string, Record<string, string>>;
    typesVersions: Record<string, Record<string, string[]>>;
    files: string[];
    scripts: Record<string, string>;
    dependencies: Record<string, string>;
    peerDependencies: Record<string, string>;
    peerDependenciesMeta: Record<string, { optional: boolean }>;
}

export function readManifest(root: string): Manifest {
    return JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as Manifest;
}

/**
 * Whether the fork has a module of its own in the place of upstream's.
 *
 * @param module path below the build folders, for instance `server/streamableHttp.js`
 */
export function isReplaced(module: string): boolean {
    return existsSync(path.join(forkRoot, 'src', module.replace(/\.js$/, '.ts')));
}

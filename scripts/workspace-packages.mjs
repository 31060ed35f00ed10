/** The packages of the workspace, as far as setting it up needs to know them. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { SetupError, workspaceRoot } from './toolchain.mjs';

/**
 * @typedef {object} WorkspacePackage
 * @property {string} name
 * @property {string} folder
 * @property {boolean} hasBuild whether it has a `build` script
 * @property {string[]} dependencies names of everything it depends on, including for development
 */

/** The globs of pnpm-workspace.yaml, all of them `folder` or `folder/*`; there is no YAML parser before the installation. */
function packageGlobs() {
    const text = readFileSync(path.join(workspaceRoot, 'pnpm-workspace.yaml'), 'utf8');
    const block = /^packages:\n((?: +- .*\n)+)/m.exec(text)?.[1] ?? '';
    return [...block.matchAll(/- ['"]?([\w./*-]+)/g)].map(match => match[1] ?? '');
}

/** @returns {string[]} */
function packageFolders() {
    return packageGlobs()
        .flatMap(glob => {
            if (!glob.endsWith('/*')) {
                return [path.join(workspaceRoot, glob)];
            }
            const parent = path.join(workspaceRoot, glob.slice(0, -2));
            return existsSync(parent) ? readdirSync(parent).map(name => path.join(parent, name)) : [];
        })
        .filter(folder => existsSync(path.join(folder, 'package.json')))
        .sort();
}

/** @returns {WorkspacePackage[]} */
function readPackages() {
    return packageFolders().map(folder => {
        /** @type {{ name: string, scripts?: Record<string, string>, [kind: string]: unknown }} */
        const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
        const kinds = ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies'];
        return {
            name: manifest.name,
            folder,
            hasBuild: manifest.scripts?.build !== undefined,
            dependencies: kinds.flatMap(kind => Object.keys(manifest[kind] ?? {}))
        };
    });
}

/**
 * All packages of the workspace, each after those it depends on.
 *
 * @returns {WorkspacePackage[]}
 */
export function listPackages() {
    const packages = new Map(readPackages().map(entry => [entry.name, entry]));
    /** @type {Set<WorkspacePackage>} */
    const sorted = new Set();
    const visit = (/** @type {WorkspacePackage} */ entry, /** @type {readonly string[]} */ path) => {
        if (path.includes(entry.name)) {
            throw new SetupError(`Packages depend on each other in a circle: ${[...path, entry.name].join(' -> ')}`);
        }
        for (const name of entry.dependencies) {
            const dependency = packages.get(name);
            if (dependency !== undefined) {
                visit(dependency, [...path, entry.name]);
            }
        }
        sorted.add(entry);
    };
    for (const entry of packages.values()) {
        visit(entry, []);
    }
    return [...sorted];
}

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

export const workspaceRoot = path.resolve(import.meta.dirname, '../..');

/** A package of this workspace that people outside of it install. */
export interface PublishedPackage {
    readonly name: string;
    /** The name of its folder below `packages`, which branches and tags have too. */
    readonly shortName: string;
    readonly folder: string;
    readonly version: string;
}

const manifestSchema = z.object({ name: z.string(), version: z.string(), private: z.boolean().optional() });

/** All published packages, in the order of their names. */
export function listPublishedPackages(): PublishedPackage[] {
    const parent = path.join(workspaceRoot, 'packages');
    return readdirSync(parent)
        .sort()
        .map(shortName => ({ shortName, folder: path.join(parent, shortName) }))
        .filter(({ folder }) => existsSync(path.join(folder, 'package.json')))
        .map(place => ({ ...place, ...manifestSchema.parse(JSON.parse(readFileSync(path.join(place.folder, 'package.json'), 'utf8'))) }))
        .filter(entry => entry.private !== true)
        .map(({ name, shortName, folder, version }) => ({ name, shortName, folder, version }));
}

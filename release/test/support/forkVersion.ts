import { readFileSync } from 'node:fs';
import path from 'node:path';
import semver from 'semver';
import { z } from 'zod';
import { workspaceRoot } from '../../src/publishedPackages.ts';

const dependenciesSchema = z.record(z.string(), z.string()).optional();
const manifestSchema = z.object({ dependencies: dependenciesSchema, devDependencies: dependenciesSchema });

/** The release of upstream that a folder of the workspace depends on, if it does. */
export function upstreamVersionIn(folder: string): string | undefined {
    const { dependencies, devDependencies } = manifestSchema.parse(JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')));
    return { ...devDependencies, ...dependencies }['@modelcontextprotocol/sdk-upstream']?.split('@').at(-1);
}

/** The release of upstream that the fork stands in for, which it depends on. */
export function upstreamVersion(): string {
    const version = upstreamVersionIn(path.join(workspaceRoot, 'packages/sdk'));
    if (version === undefined || semver.valid(version) !== version) {
        throw new Error(`The fork depends on no exact release of upstream: ${version}`);
    }
    return version;
}

/** The fork's releases for one of upstream's, of which there may be a hundred numbers, are counted from here. */
const firstOwn = 50;

/**
 * Whether the fork may have a version while it stands in for a release of upstream. The patch number is upstream's times a hundred, plus
 * that of the fork's own release. As these are counted from 50 on, it is never the version of an upstream release, not even for
 * upstream's patch number 0.
 */
export function isForkVersion(version: string, upstream: string): boolean {
    const [own, theirs] = [semver.parse(version), semver.parse(upstream)];
    return (
        own !== null &&
        theirs !== null &&
        own.version === version &&
        own.prerelease.length === 0 &&
        own.major === theirs.major &&
        own.minor === theirs.minor &&
        Math.floor(own.patch / 100) === theirs.patch &&
        own.patch % 100 >= firstOwn
    );
}

import { readFileSync } from 'node:fs';
import path from 'node:path';
import semver from 'semver';
import { z } from 'zod';
import { workspaceRoot } from '../../src/publishedPackages.ts';

const manifestSchema = z.object({ dependencies: z.record(z.string(), z.string()) });

/** The release of upstream that the fork stands in for, which it depends on. */
export function upstreamVersion(): string {
    const manifest: unknown = JSON.parse(readFileSync(path.join(workspaceRoot, 'packages/sdk/package.json'), 'utf8'));
    const version = manifestSchema.parse(manifest).dependencies['@modelcontextprotocol/sdk-upstream']?.split('@').at(-1);
    if (version === undefined || semver.valid(version) !== version) {
        throw new Error(`The fork depends on no exact release of upstream: ${version}`);
    }
    return version;
}

/**
 * The versions that the fork may have while it stands in for a release of upstream: its patch number is upstream's times a hundred, plus
 * that of the fork's own release. So it is never the version of an upstream release.
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
        own.patch >= 100 &&
        Math.floor(own.patch / 100) === theirs.patch
    );
}

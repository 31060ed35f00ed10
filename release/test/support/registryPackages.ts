import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { workspaceRoot } from '../../src/publishedPackages.ts';

const kept = path.join(workspaceRoot, '.build/registry-packages');
const installTimeoutMs = 120_000;
const reachTimeoutMs = 30_000;

/**
 * The folder of a package of the npm registry, which is installed when it is asked for first and kept for later runs. Its install
 * scripts don't run.
 * @param name of the package
 * @param version exact
 * @throws Error if it can't be had.
 */
export async function registryPackage(name: string, version: string): Promise<string> {
    const folder = path.join(kept, `${name.replaceAll('/', '+')}@${version}`);
    if (!existsSync(folder)) {
        // Says within a moment what an installation would take a minute for.
        await reachRegistry();
        await mkdir(kept, { recursive: true });
        const work = await mkdtemp(path.join(kept, '.new-'));
        try {
            await writeFile(path.join(work, 'package.json'), '{ "private": true }\n');
            const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', `${name}@${version}`];
            await promisify(execFile)('npm', args, { cwd: work, timeout: installTimeoutMs });
            await rename(work, folder).catch((error: unknown) => {
                // Another process may have been faster.
                if (!existsSync(folder)) {
                    throw error;
                }
            });
        } finally {
            await rm(work, { recursive: true, force: true });
        }
    }
    return path.join(folder, 'node_modules', name);
}

/**
 * Asks the registry for something, in the way in which npm is set up to do so.
 * @throws Error if it can't be reached.
 */
export function reachRegistry(): Promise<void> {
    reached ??= askRegistry();
    return reached;
}

let reached: Promise<void> | undefined;

async function askRegistry(): Promise<void> {
    const args = ['view', 'zod', 'version', '--prefer-online', '--fetch-retries=0'];
    try {
        await promisify(execFile)('npm', args, { cwd: tmpdir(), timeout: reachTimeoutMs });
    } catch (error) {
        throw new Error('the npm registry can’t be reached', { cause: error });
    }
}

const isCi = process.env.CI === 'true';

/** Something that a test needs, and may be unable to get. */
export interface Obtained<T> {
    /** Why a test that needs it is skipped; undefined if it is there, and in CI, where it has to be. */
    readonly absence: string | undefined;
    /** @throws Error if it could not be had. */
    readonly get: () => T;
}

/** Obtains something before the tests are defined, so that those which can't run say so in their titles. */
export async function obtain<T>(what: () => Promise<T>): Promise<Obtained<T>> {
    try {
        const value = await what();
        return { absence: undefined, get: () => value };
    } catch (error) {
        const get = () => {
            throw error;
        };
        const [reason] = (error instanceof Error ? error.message : String(error)).split('\n');
        return { absence: isCi ? undefined : reason, get };
    }
}

/** The title of a test, which says why it is skipped if it is. */
export function titled(title: string, absence: string | undefined): string {
    return absence === undefined ? title : `${title} [not run: ${absence}]`;
}

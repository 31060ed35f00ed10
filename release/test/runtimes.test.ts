import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { workspaceRoot } from '../src/publishedPackages.ts';
import { obtain, registryPackage, titled } from './support/registryPackages.ts';

/** The last release of each line that the fork is for, besides the one that development runs on. */
const releases = ['18.20.8', '20.20.2', '22.23.3'];

const timeoutMs = 90_000;

/** Node as the npm registry has it: each platform has a package of its own. */
async function nodeRelease(version: string): Promise<string> {
    const platform = process.platform === 'win32' ? 'win' : process.platform;
    const folder = await registryPackage(`node-${platform}-${process.arch}`, version);
    return path.join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
}

const nodes = await Promise.all(releases.map(async version => ({ version, node: await obtain(() => nodeRelease(version)) })));

for (const { version, node } of nodes) {
    describe.skipIf(node.absence !== undefined)(titled(`on Node ${version}`, node.absence), { timeout: timeoutMs }, () => {
        /** Runs a program of the workspace as anybody would, without what the test runner adds to the environment. */
        const run = async (program: string): Promise<string> => {
            const { NODE_OPTIONS: _, ...env } = process.env;
            const { stdout } = await promisify(execFile)(node.get(), [path.join(workspaceRoot, program)], { env, timeout: timeoutMs });
            return stdout;
        };

        test('the fork exports what upstream does and serves sessions, as ES modules and as CommonJS', async () => {
            const output = await run('packages/sdk/test/smoke.mjs');
            for (const kind of ['import', 'require']) {
                expect(output).toContain(`Node v${version}: served a session with modules from ${kind}\n`);
                expect(output).toContain(`Node v${version}: served a session on two nodes with modules from ${kind}\n`);
            }
        });

        test('the SQLite store keeps the contract, or says which Node it needs', async () => {
            const output = await run('packages/transport-store-sqlite/test/smoke.mjs');
            const hasSqlite = Number.parseInt(version) >= 22;
            expect(output).toContain(`Node v${version}: ${hasSqlite ? 'an expired session was removed' : 'refused, and said why'}\n`);
        });
    });
}

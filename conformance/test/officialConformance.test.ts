/** Runs the server scenarios of `@modelcontextprotocol/conformance`, which know nothing of several nodes. */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { ProcessCluster } from '../src/cluster/processCluster.ts';
import { RoundRobinProxy } from '../src/http/roundRobinProxy.ts';

const script = path.resolve(import.meta.dirname, '../fixtures/sdk/server.ts');
const cli = path.join(
    path.dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json')),
    'dist/index.js'
);

/** All checks of the pinned release. A number, so that a suite that finds nothing to check does not count as passed. */
const checks = 44;

/** Runs all scenarios. The summary lists, per scenario, how many checks passed and failed. */
async function runScenarios(url: string): Promise<{ readonly total: string; readonly failed: readonly string[] }> {
    const child = spawn(process.execPath, [cli, 'server', '--url', url, '--suite', 'all'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = (await text(child.stdout)).split('\n');
    return {
        total: lines.findLast(line => line.startsWith('Total:')) ?? lines.join('\n'),
        failed: lines.filter(line => line.startsWith('✗'))
    };
}

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
    for (const close of closers.splice(0).reverse()) {
        await close();
    }
});

async function start(options: {
    readonly nodes: number;
    readonly storeUrl: string;
    readonly environment?: Record<string, string>;
}): Promise<ProcessCluster> {
    const cluster = await ProcessCluster.start({ script, ...options });
    closers.push(() => cluster.close());
    return cluster;
}

describe('the official conformance scenarios', () => {
    it('pass on one node', async () => {
        const cluster = await start({ nodes: 1, storeUrl: 'memory:' });
        expect(await runScenarios(cluster.node(0).url)).toEqual({ total: `Total: ${checks} passed, 0 failed`, failed: [] });
    });

    it.each(['1', '0'])('pass on three nodes that take turns, with RESUMABLE=%s', async RESUMABLE => {
        const folder = await mkdtemp(path.join(tmpdir(), 'session-conformance-'));
        closers.push(() => rm(folder, { recursive: true }));
        const cluster = await start({ nodes: 3, storeUrl: `sqlite://${folder}/sessions.db`, environment: { RESUMABLE } });
        const proxy = await RoundRobinProxy.start(cluster.nodes.map(node => node.url));
        closers.push(() => proxy.close());
        expect(await runScenarios(proxy.url)).toEqual({ total: `Total: ${checks} passed, 0 failed`, failed: [] });
    });
});

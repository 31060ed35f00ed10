import { spawn } from 'node:child_process';
import { on } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

let folder: string;

beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'demo-test-'));
});

afterEach(() => rm(folder, { recursive: true }));

/** Starts the demo, as a program whose output is read by another one, with a folder of its own for temporary files. */
function startDemo(environment: Readonly<Record<string, string>> = {}) {
    const { FORCE_COLOR: _, ...env } = process.env;
    const demo = spawn(process.execPath, [path.join(import.meta.dirname, '../run.ts')], {
        env: { ...env, TMPDIR: folder, ...environment },
        stdio: ['ignore', 'pipe', 'pipe']
    });
    return {
        kill: (signal: NodeJS.Signals) => demo.kill(signal),
        output: demo.stdout,
        /** What it and its servers wrote to stderr. They hold the other end of it, so there is no result before all have ended. */
        errors: text(demo.stderr),
        exitCode: new Promise<number | null>(resolve => demo.once('close', resolve))
    };
}

/** Rows of the table: number, step, mark and detail of the SDK, mark and detail of the fork. */
function rowsOf(output: string): { readonly step: string; readonly upstream: string; readonly fork: string }[] {
    return [...output.matchAll(/^[ \d]\d {2}(.*?) +([✓✗].*?) +([✓✗].*)$/gm)].map(([, step = '', upstream = '', fork = '']) => ({
        step,
        upstream,
        fork
    }));
}

describe('the demo', () => {
    test('shows every step of a session working on all nodes, and not with the unmodified SDK', async () => {
        const demo = startDemo();
        const output = await text(demo.output);

        expect(await demo.errors).toBe('');
        expect(await demo.exitCode).toBe(0);
        const rows = rowsOf(output);
        expect(rows).toHaveLength(13);
        expect(rows.filter(({ fork }) => !fork.startsWith('✓'))).toEqual([]);
        expect(rows[0]).toMatchObject({ upstream: '✗ initialized → node-2: 404', fork: '✓ node-1, node-2, node-3' });
        expect(rows[4]).toMatchObject({ upstream: '✗ reply → node-2: 404', fork: '✓ node-1 asks, node-2 is told' });
        expect(rows[8]).toMatchObject({ upstream: '✗ GET → node-2: 404', fork: '✓ node-1, then node-2: 20 of 20' });
        expect(output).toMatch(/^This fork: 13 of 13 steps\./m);
        expect(await readdir(folder)).toEqual([]);
        expect(linesInReadme().filter(line => !output.split('\n').map(inGeneral).includes(line))).toEqual([]);
        // For terminals of 100 columns, and without colours where nobody sees them.
        expect(output.split('\n').filter(line => line.length > 100)).toEqual([]);
        expect(output).not.toContain('\u001b');
    });

    test('fails if the nodes share no store', async () => {
        const demo = startDemo({ DEMO_STORE: ':memory:' });
        const output = await text(demo.output);

        expect(await demo.exitCode).toBe(1);
        expect(rowsOf(output)[0]).toMatchObject({ fork: '✗ initialized → node-2: 404' });
        expect(await demo.errors).toContain('tools/call, three times:');
    });

    test.each(['SIGINT', 'SIGTERM'] as const)('leaves nothing behind when it gets %s', async signal => {
        const demo = startDemo();
        await untilOutput(demo.output, 'tools/list');
        demo.kill(signal);

        expect(await demo.exitCode).toBe(signal === 'SIGINT' ? 130 : 143);
        expect(await demo.errors).toBe('');
        expect(await readdir(folder)).toEqual([]);
    });

    test('takes its servers with it when it is killed', async () => {
        const demo = startDemo();
        await untilOutput(demo.output, 'tools/list');
        demo.kill('SIGKILL');

        expect(await demo.errors).toBe('');
    });
});

/** What the README shows of the output. */
function linesInReadme(): string[] {
    const readme = readFileSync(path.join(import.meta.dirname, '../../README.md'), 'utf8');
    const shown = /^\$ npm run demo\n(.*?)^```$/ms.exec(readme)?.[1] ?? 'the README shows no output';
    return shown
        .split('\n')
        .filter(line => line !== '' && line !== '...')
        .map(inGeneral);
}

/** A line without what is different in every run: which node it happened to be, and how long it took. */
function inGeneral(line: string): string {
    return line.replace(/node-\d/g, 'node-N').replace(/\(\d+\.\d s\)/, '(N s)');
}

async function untilOutput(stream: Readable, wanted: string): Promise<void> {
    let output = '';
    for await (const [chunk] of on(stream, 'data', { close: ['end'] })) {
        output += String(chunk);
        if (output.includes(wanted)) {
            return;
        }
    }
    throw new Error(`The demo ended before it wrote "${wanted}":\n${output}`);
}

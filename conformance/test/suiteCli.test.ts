/** The command line, as somebody runs it. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { manifest } from '../src/manifest/manifest.ts';

const cli = path.resolve(import.meta.dirname, '../src/cli.ts');
const fixture = path.resolve(import.meta.dirname, '../fixtures/sdk/server.ts');

async function run(
    ...args: readonly string[]
): Promise<{ readonly code: number | null; readonly output: string; readonly errors: string }> {
    const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const code = new Promise<number | null>(resolve => child.once('close', resolve));
    const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { code: await code, output, errors };
}

const folders: string[] = [];

afterEach(async () => {
    await Promise.all(folders.splice(0).map(folder => rm(folder, { recursive: true })));
});

/** Describes a target on one node in a file of its own. */
async function describeTarget(content: Record<string, unknown>, knownFailures: Record<string, string> = {}): Promise<string> {
    const folder = await mkdtemp(path.join(tmpdir(), 'session-conformance-cli-'));
    folders.push(folder);
    await writeFile(path.join(folder, 'known.json'), JSON.stringify({ knownFailures }));
    const file = path.join(folder, 'target.json');
    const common = { description: 'A target for this test', store: 'memory', nodes: 1, baseline: 'known.json' };
    await writeFile(file, JSON.stringify({ ...common, ...content }));
    return file;
}

const conforming = { command: ['node', fixture] };
const only = ['--only', 'session.id-issued,session.missing-id-refused'];

describe('the command line', () => {
    it('ends without a word when nobody reads what it says', async () => {
        const child = spawn(process.execPath, [cli, 'list'], { stdio: ['ignore', 'pipe', 'pipe'] });
        const code = new Promise<number | null>(resolve => child.once('close', resolve));
        child.stdout.destroy();
        expect(await text(child.stderr)).toBe('');
        expect(await code).toBe(141);
    });

    it('ends with 0 when a target conforms, and writes a report', async () => {
        const file = await describeTarget(conforming);
        const report = path.join(path.dirname(file), 'report');
        const { code, output } = await run('run', '--target', file, ...only, '--seed', '7', '--report', report);
        expect(output).toContain('✓ session.id-issued');
        expect(output).toMatch(/target: conforms; 2 pass; 1 nodes \(process\).*seed 7/);
        expect(code).toBe(0);
        const written: unknown = JSON.parse(await readFile(path.join(report, 'target.json'), 'utf8'));
        expect(written).toMatchObject({ verdict: 'conforms', seed: 7, results: [{ outcome: 'pass' }, { outcome: 'pass' }] });
    });

    it('ends with 1 when a requirement is not met, and shows what was said', async () => {
        const program = `
            require('node:http').createServer((req, res) => res.writeHead(req.url === '/healthz' ? 200 : 418).end('teapot'))
                .listen(process.env.PORT, process.env.HOST);
            console.log('I am a teapot');`;
        const file = await describeTarget({ command: ['node', '-e', program] });
        const { code, output } = await run('run', '--target', file, ...only);
        expect(output).toContain('✗ session.missing-id-refused');
        expect(output).toContain('Not in the baseline: session.id-issued, session.missing-id-refused');
        expect(output).toMatch(/#1 → node-1 POST \(no session\)/);
        expect(output).toMatch(/#1 ← \(unknown\) 418/);
        expect(code).toBe(1);
    });

    it('ends with 1 when the baseline is stale', async () => {
        const file = await describeTarget(conforming, { 'session.id-issued': 'long ago' });
        const { code, output } = await run('run', '--target', file, ...only);
        expect(output).toContain('Stale in the baseline, to be removed from it: session.id-issued');
        expect(code).toBe(1);
    });

    it.each([
        [[], /A command is missing/],
        [['walk'], /no command walk/],
        [['run'], /Name a target/],
        [['run', '--target', 'nobody'], /no target nobody/],
        [['run', '--target', 'memory', '--only', 'nothing.*'], /nothing\.\*/],
        [['run', '--target', 'memory', '--seed', 'x'], /--seed/],
        [['run', '--target', 'memory', '--scale', '0'], /--scale/],
        [['run', '--target', 'memory', '--driver', 'bus'], /--driver/],
        [['run', '--target', 'memory', '--speed', '9'], /--speed/]
    ])('ends with 64 when it is called with %j', async (args, message) => {
        const { code, errors } = await run(...args);
        expect(errors).toMatch(message);
        expect(code).toBe(64);
    });

    it('ends with 70 when a server can not be started, and shows what it wrote', async () => {
        const file = await describeTarget({ command: ['node', '-e', 'console.log("no disk"); process.exit(3)'] });
        const { code, errors } = await run('run', '--target', file, ...only);
        expect(errors).toMatch(/ended with 3 before it was ready[\s\S]*no disk/);
        expect(code).toBe(70);
    });

    it('lists the requirements and the targets', async () => {
        const { code, output } = await run('list');
        expect(code).toBe(0);
        expect(manifest.filter(({ id, title }) => !output.includes(id) || !output.includes(title))).toEqual([]);
        expect(output).toContain('sdk-redis');
        const listed: unknown = JSON.parse((await run('list', '--json', '--only', 'limits.*')).output);
        expect(listed).toEqual(manifest.filter(({ id }) => id.startsWith('limits.')));
    });
});

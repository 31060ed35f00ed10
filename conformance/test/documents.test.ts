import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { exitCodes } from '../src/cli/exitCodes.ts';
import { loadTarget } from '../src/targets/target.ts';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';

const root = path.join(import.meta.dirname, '../..');
const page = await readFile(path.join(root, 'docs/conformance.md'), 'utf8');

it('the page on judging a server describes a target that can be loaded', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'documents-'));
    try {
        const file = path.join(folder, 'my-server.json');
        await writeFile(file, /```json\n(.*?)```/s.exec(page)?.[1] ?? '');
        expect(await loadTarget(file)).toMatchObject({ name: 'my-server', store: 'redis', nodes: 3 });
    } finally {
        await rm(folder, { recursive: true });
    }
});

it('it tells every option of the command line, every field of a target, and every exit code', async () => {
    const usage = /const usage = `(.*?)`;/s.exec(await readFile(path.join(root, 'conformance/src/cli.ts'), 'utf8'))?.[1] ?? '';
    const options = new Set([...usage.matchAll(/--\w+/g)].map(([option]) => option).filter(option => option !== '--json'));
    const source = await readFile(path.join(root, 'conformance/src/targets/target.ts'), 'utf8');
    const fields = [...source.matchAll(/^ {4}(\w+): (?:z\.|settings)/gm)].map(([, field]) => `\`${field}\``);
    for (const told of [...options, ...fields, ...Object.values(exitCodes).map(code => `| ${code} `)]) {
        expect(page).toContain(told);
    }
    expect([options.size, fields.length]).toEqual([6, 16]);
});

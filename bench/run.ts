import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { profile } from './src/profile.ts';
import { startRedis } from './src/redisServer.ts';
import { writeDocuments } from './src/report/documents.ts';
import { markdownOf } from './src/report/tables.ts';
import { thisMachine, type RunResults, type ScenarioResult } from './src/results.ts';
import { scenarios } from './src/scenarios/scenarios.ts';
import type { Effort } from './src/scenarios/scenario.ts';
import { isTarget, type Places, type TargetName } from './src/targets.ts';

const usage = `Measures what sessions cost, side by side with the unmodified SDK.

  npm run bench -- [--scenario NAMES] [--target NAMES] [--quick] [--repetitions N] [--write-docs] [--output FILE]
  npm run bench -- --profile SCENARIO --target NAME

  --scenario     names, separated by commas: ${scenarios.map(({ name }) => name).join(', ')}
  --target       names, separated by commas; default: those of each scenario
  --quick        short and few measurements, to see that everything works; the numbers are worth little
  --repetitions  measurements of each target; default: 5
  --write-docs   puts the results into docs/performance.md
  --output       also writes the results to a JSON file
  --profile      shows where a server spends its CPU time in a scenario (json, sse, hop or churn)`;

const { values } = parseArgs({
    options: {
        scenario: { type: 'string' },
        target: { type: 'string', multiple: true },
        quick: { type: 'boolean', default: false },
        repetitions: { type: 'string', default: '5' },
        'write-docs': { type: 'boolean', default: false },
        output: { type: 'string' },
        profile: { type: 'string' },
        help: { type: 'boolean', default: false }
    }
});

const effort: Effort = values.quick
    ? { warmUpMs: 300, measureMs: 300, repetitions: 1, scale: 0.02 }
    : { warmUpMs: 8_000, measureMs: 3_000, repetitions: Number(values.repetitions), scale: 1 };

if (values.help) {
    console.log(usage);
} else {
    await run();
}

async function run(): Promise<void> {
    const wanted = chosen(values.profile ?? values.scenario);
    const folder = await mkdtemp(path.join(tmpdir(), 'session-bench-'));
    const redis = await startRedis();
    let files = 0;
    const places: Places = { redisUrl: redis.url, newSqliteFile: () => path.join(folder, `${++files}.db`) };
    try {
        if (values.profile !== undefined) {
            const [scenario] = wanted;
            const [target] = targetsOf(scenario?.targets ?? []);
            if (scenario === undefined || target === undefined) {
                throw new Error('--profile needs a scenario and one of its targets');
            }
            console.log(await profile({ scenario, target, places, effort, folder }));
            return;
        }
        const results: ScenarioResult[] = [];
        for (const scenario of wanted) {
            const targets = targetsOf(scenario.targets);
            if (targets.length > 0) {
                const progress = (text: string): void => console.error(`  ${text}`);
                const rows = await scenario.measure({ places, effort, targets, progress });
                results.push({ scenario: scenario.name, title: scenario.title, unit: scenario.unit, rows });
            }
        }
        await report({ date: new Date().toISOString().slice(0, 10), machine: thisMachine(), effort, results });
    } finally {
        await redis.stop();
        await rm(folder, { recursive: true, force: true });
    }
}

async function report(results: RunResults): Promise<void> {
    console.log(markdownOf(results));
    if (values.output !== undefined) {
        await mkdir(path.dirname(path.resolve(values.output)), { recursive: true });
        await writeFile(values.output, `${JSON.stringify(results, undefined, 4)}\n`);
    }
    if (values['write-docs']) {
        await writeDocuments(results);
    }
}

function chosen(names: string | undefined): typeof scenarios {
    const list = names?.split(',');
    const unknown = list?.filter(name => !scenarios.some(scenario => scenario.name === name)) ?? [];
    if (unknown.length > 0) {
        throw new Error(`There is no scenario ${unknown.join(', ')}\n\n${usage}`);
    }
    return list === undefined ? scenarios : scenarios.filter(({ name }) => list.includes(name));
}

/** The wanted ones among the targets of a scenario; one that was named, and is none of them, is measured in their place. */
function targetsOf(all: readonly TargetName[]): TargetName[] {
    const names = values.target?.flatMap(list => list.split(','));
    if (names === undefined) {
        return [...all];
    }
    const known = names.filter(isTarget);
    if (known.length < names.length) {
        throw new Error(`There is no target ${names.filter(name => !isTarget(name)).join(', ')}\n\n${usage}`);
    }
    return known.filter(name => name === 'wrong' || all.includes(name));
}

import path from 'node:path';
import { parseArgs } from 'node:util';
import { checks } from '../checks/checks.ts';
import { createDriver, type DriverName, driverNames } from '../drivers/createDriver.ts';
import { describeError, UsageError } from '../errors.ts';
import { writeHistories } from '../history/historyFile.ts';
import { manifest } from '../manifest/manifest.ts';
import type { RunResult } from '../report/runResult.ts';
import { writeReports } from '../report/writeReports.ts';
import { loadBaseline } from '../run/baseline.ts';
import { select } from '../run/plan.ts';
import { runTarget } from '../run/runTarget.ts';
import { loadTarget } from '../targets/target.ts';
import { describeFailure, describeResult, describeRun } from './describe.ts';
import { exitCodeOf } from './exitCodes.ts';

const options = {
    target: { type: 'string', multiple: true },
    only: { type: 'string' },
    seed: { type: 'string' },
    scale: { type: 'string' },
    report: { type: 'string' },
    driver: { type: 'string' }
} as const;

const largestSeed = 2 ** 31 - 1;
const largestScale = 1_000;

/** `run`: judges targets, one after the other. @returns the exit code. */
export async function runCommand(args: readonly string[]): Promise<number> {
    const { target: names = [], only, seed: seedText, scale: scaleText, report, driver: driverText } = parse(args);
    if (names.length === 0) {
        throw new UsageError('Name a target: `run --target redis`');
    }
    const seed = readSeed(seedText);
    const scale = readScale(scaleText);
    const driverName = readDriver(driverText);
    // Mistakes are told before anything is started.
    select(manifest, checks, only);
    const targets = await Promise.all(names.map(loadTarget));
    const results: RunResult[] = [];
    for (const target of targets) {
        const baseline = await loadBaseline(target);
        const driver = await createDriver(target, driverName, line => console.error(line));
        console.log(`${target.name}: ${target.description}`);
        const result = await runTarget({
            target,
            driver,
            baseline,
            requirements: manifest,
            checks,
            only,
            seed,
            scale,
            onresult: each => console.log(describeResult(each, baseline.has(each.id)))
        });
        results.push(result);
        tell(result);
    }
    if (report !== undefined) {
        const files = await writeReports(report, results);
        for (const { target, results: ofTarget } of results) {
            await writeHistories(path.join(report, target), ofTarget);
        }
        console.log(`Reports: ${files.join(', ')}`);
    }
    return exitCodeOf(results);
}

function tell(result: RunResult): void {
    for (const each of result.results) {
        const isSurprise =
            result.unexpected.includes(each.id) || (each.outcome === 'inconclusive' && !result.knownFailures.includes(each.id));
        if (isSurprise) {
            console.log(`\n${describeFailure(each)}`);
        }
    }
    console.log(`\n${describeRun(result)}`);
}

function parse(args: readonly string[]) {
    try {
        return parseArgs({ args: [...args], options, strict: true }).values;
    } catch (cause) {
        throw new UsageError(describeError(cause), { cause });
    }
}

/** A number that is told is used; else one is drawn, and shown at the end, so that the run can be repeated. */
function readSeed(text: string | undefined): number {
    const seed = text === undefined ? Math.floor(Math.random() * largestSeed) : Number(text);
    if (text === '' || !Number.isInteger(seed) || seed < 0 || seed > largestSeed) {
        throw new UsageError(`--seed must be a whole number from 0 to ${largestSeed}, not ${text}`);
    }
    return seed;
}

function readScale(text = '1'): number {
    const scale = Number(text);
    if (text === '' || !Number.isInteger(scale) || scale < 1 || scale > largestScale) {
        throw new UsageError(`--scale must be a whole number from 1 to ${largestScale}, not ${text}`);
    }
    return scale;
}

function readDriver(text: string | undefined): DriverName | undefined {
    const name = driverNames.find(candidate => candidate === text);
    if (text !== undefined && name === undefined) {
        throw new UsageError(`--driver must be one of ${driverNames.join(', ')}, not ${text}`);
    }
    return name;
}

/**
 * The whole suite on the shipped targets. Those that stand for what this workspace promises meet every requirement; those that stand for
 * what others do fail where their baselines say so, and nowhere else.
 */
import { describe, expect, it } from 'vitest';
import { checks } from '../src/checks/checks.ts';
import { describeRun } from '../src/cli/describe.ts';
import { exitCodeOf, exitCodes } from '../src/cli/exitCodes.ts';
import { run, succeeds } from '../src/docker/command.ts';
import { createDriver } from '../src/drivers/createDriver.ts';
import { manifest } from '../src/manifest/manifest.ts';
import type { RunResult } from '../src/report/runResult.ts';
import { type Baseline, loadBaseline } from '../src/run/baseline.ts';
import { runTarget } from '../src/run/runTarget.ts';
import { isRemote, loadTarget } from '../src/targets/target.ts';

const seed = 1;
/** Of a test with all those that it waits for. */
const timeoutMs = 600_000;
const installTimeoutMs = 120_000;

/** Lets actions take turns. Most of the time of a run is waiting, so several can run at once, but not all of them on a small machine. */
class Lane {
    private last: Promise<unknown> = Promise.resolve();

    run<T>(action: () => Promise<T>): Promise<T> {
        const result = this.last.then(action);
        this.last = result.catch(() => undefined);
        return result;
    }
}

async function judge(name: string, only?: string): Promise<{ readonly baseline: Baseline; readonly result: RunResult }> {
    const target = await loadTarget(name);
    const baseline = await loadBaseline(target);
    const driver = await createDriver(target, 'process');
    return { baseline, result: await runTarget({ target, driver, baseline, requirements: manifest, checks, only, seed }) };
}

const ownLane = new Lane();

describe.concurrent('of this workspace', () => {
    it.each(['sdk-memory', 'sdk-sqlite', 'sdk-redis'])(
        '%s conforms, without any failure but what its store makes inevitable now and then',
        async name => {
            const { baseline, result } = await ownLane.run(() => judge(name));
            expect([...baseline].filter(([, why]) => typeof why === 'string')).toEqual([]);
            expect(baseline.size).toBe(name === 'sdk-sqlite' ? 3 : 0);
            const unmet = result.results.filter(({ id, outcome }) => ['fail', 'inconclusive'].includes(outcome) && !baseline.has(id));
            expect(
                unmet.map(({ id, outcome, reason }) => ({ id, outcome, reason })),
                describeRun(result)
            ).toEqual([]);
            expect(exitCodeOf([result])).toBe(exitCodes.conforms);
            // What could not be run proves nothing: on several nodes with a store that can be cut off, everything can be.
            const left = result.results.filter(({ outcome }) => outcome !== 'pass').map(({ id }) => id);
            expect(left.length).toBeLessThan(name === 'sdk-redis' ? 1 : manifest.length / 2);
        },
        timeoutMs
    );
});

/** Random work on a server that loses answers is waiting most of the time, and finds what the other checks find too. */
const areas = [...new Set(manifest.map(({ id }) => id.split('.', 1)[0]))].filter(area => area !== 'workload');
const withoutWorkload = areas.map(area => `${area}.*`).join(',');

async function expectKnownFailuresOnly(name: string): Promise<void> {
    const { baseline, result } = await judge(name, withoutWorkload);
    expect(baseline.size).toBeGreaterThan(0);
    const surprises = result.results.filter(({ id }) => result.unexpected.includes(id) || result.stale.includes(id));
    expect(
        surprises.map(({ id, outcome, reason }) => ({ id, outcome, reason })),
        describeRun(result)
    ).toEqual([]);
    expect(result.verdict).toBe('fails-as-known');
}

/** Whether what a target is prepared with succeeds. In CI it has to; elsewhere there may be no npm registry. */
async function canBePrepared(name: string): Promise<boolean> {
    const target = await loadTarget(name);
    const [file = '', ...args] = isRemote(target) ? [] : (target.prepare ?? []);
    const options = { cwd: target.folder, timeoutMs: installTimeoutMs };
    if (process.env.CI) {
        await run(file, args, options);
        return true;
    }
    return succeeds(file, args, options);
}

const slowLane = new Lane();
const otherLane = new Lane();

describe.concurrent('of others', async () => {
    it(
        'upstream-workaround fails as its baseline says',
        () => slowLane.run(() => expectKnownFailuresOnly('upstream-workaround')),
        timeoutMs
    );

    it.each(['upstream-map', 'upstream-v2-map'])(
        '%s fails as its baseline says',
        name => otherLane.run(() => expectKnownFailuresOnly(name)),
        timeoutMs
    );

    it.skipIf(!(await canBePrepared('mcp-use-redis')))(
        'mcp-use-redis, which comes from the npm registry, fails as its baseline says',
        () => otherLane.run(() => expectKnownFailuresOnly('mcp-use-redis')),
        timeoutMs
    );
});

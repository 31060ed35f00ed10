/** The whole suite on servers that stand for what others do: they fail where their baselines say so, and nowhere else. */
import { describe, expect, it } from 'vitest';
import { checks } from '../src/checks/checks.ts';
import { describeRun } from '../src/cli/describe.ts';
import { run, succeeds } from '../src/docker/command.ts';
import { createDriver } from '../src/drivers/createDriver.ts';
import { manifest } from '../src/manifest/manifest.ts';
import { loadBaseline } from '../src/run/baseline.ts';
import { runTarget } from '../src/run/runTarget.ts';
import { isRemote, loadTarget } from '../src/targets/target.ts';

const seed = 1;
const runTimeoutMs = 480_000;
const installTimeoutMs = 120_000;

/** Random work on a server that loses answers is waiting most of the time, and finds what the other checks find too. */
const areas = [...new Set(manifest.map(({ id }) => id.split('.', 1)[0]))].filter(area => area !== 'workload');
const only = areas.map(area => `${area}.*`).join(',');

async function expectKnownFailuresOnly(name: string): Promise<void> {
    const target = await loadTarget(name);
    const baseline = await loadBaseline(target);
    expect(baseline.size).toBeGreaterThan(0);
    const driver = await createDriver(target, 'process');
    const result = await runTarget({ target, driver, baseline, requirements: manifest, checks, only, seed });
    const surprises = result.results.filter(({ id }) => result.unexpected.includes(id) || result.stale.includes(id));
    expect(
        surprises.map(({ id, outcome, reason }) => ({ id, outcome, reason })),
        describeRun(result)
    ).toEqual([]);
    expect(result.verdict).toBe('conforms');
}

/** Whether what a target is prepared with succeeds. In CI it has to, here it takes the npm registry. */
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

describe.concurrent('what is known of others', async () => {
    it.each(['upstream-map', 'upstream-workaround'])('%s fails as its baseline says', expectKnownFailuresOnly, runTimeoutMs);

    it.skipIf(!(await canBePrepared('mcp-use-redis')))(
        'mcp-use-redis, which comes from the npm registry, fails as its baseline says',
        () => expectKnownFailuresOnly('mcp-use-redis'),
        runTimeoutMs
    );
});

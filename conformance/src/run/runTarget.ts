import type { Check, CheckResult } from '../checks/check.ts';
import type { Deployment, Driver } from '../drivers/deployment.ts';
import type { Requirement } from '../manifest/requirement.ts';
import type { RunResult } from '../report/runResult.ts';
import { nodeCount, type Target } from '../targets/target.ts';
import { type Baseline, compareWithBaseline, type Comparison } from './baseline.ts';
import { concurrently } from './concurrently.ts';
import { group, type Group, obstacleTo, select } from './plan.ts';
import { runCheck } from './runCheck.ts';

export interface RunOptions {
    readonly target: Target;
    readonly driver: Driver;
    readonly baseline: Baseline;
    readonly requirements: readonly Requirement[];
    readonly checks: readonly Check[];
    /** Globs of ids, divided by commas. Default: all. */
    readonly only?: string | undefined;
    /** What the random numbers of checks come from. */
    readonly seed: number;
    /** How many times as much as usual random workloads do. Default: 1. */
    readonly scale?: number | undefined;
    /** Told each result when it is there. */
    readonly onresult?: (result: CheckResult) => void;
}

/** How many deployments run at a time. */
const deploymentsAtATime = 2;
/** How many checks run side by side on one deployment. */
const checksAtATime = 6;

/**
 * Judges a target.
 * @throws {UsageError} if nothing is selected. {HarnessError} if the target can't be started.
 */
export async function runTarget(options: RunOptions): Promise<RunResult> {
    const { target, driver, baseline, requirements, checks, only, seed, scale = 1, onresult } = options;
    const selected = select(requirements, checks, only);
    const startedAt = new Date();
    const results = new Map<string, CheckResult>();
    const settle = (result: CheckResult) => {
        results.set(result.id, result);
        onresult?.(result);
    };
    const runnable = selected.filter(entry => {
        const obstacle = obstacleTo(entry, target, driver);
        if (obstacle !== undefined) {
            settle({ id: entry.requirement.id, ...obstacle, durationMs: 0, history: [] });
        }
        return obstacle === undefined;
    });
    await concurrently(group(runnable), deploymentsAtATime, each => runGroup(each, { target, driver, seed, scale, settle }));
    const ordered = selected.flatMap(({ requirement }) => results.get(requirement.id) ?? []);
    const known = new Set(requirements.map(({ id }) => id));
    const comparison = compareWithBaseline(ordered, baseline, id => known.has(id));
    return {
        target: target.name,
        description: target.description,
        startedAt: startedAt.toISOString(),
        durationMs: Date.now() - startedAt.getTime(),
        driver: driver.name,
        nodes: nodeCount(target),
        seed,
        scale,
        results: ordered,
        knownFailures: [...baseline.keys()],
        ...comparison,
        verdict: verdictOf(ordered, baseline, comparison)
    };
}

interface GroupContext {
    readonly target: Target;
    readonly driver: Driver;
    readonly seed: number;
    readonly scale: number;
    readonly settle: (result: CheckResult) => void;
}

function runGroup(group: Group, context: GroupContext): Promise<void> {
    return group.exclusive ? runAlone(group, context) : runSideBySide(group, context);
}

async function runSideBySide({ settings, entries }: Group, { target, driver, seed, scale, settle }: GroupContext): Promise<void> {
    const deployment = await driver.start(nodeCount(target), settings);
    try {
        await concurrently(entries, checksAtATime, async entry => {
            const { result } = await runCheck(entry, deployment, { seed, scale, exclusive: false });
            settle(result);
        });
    } finally {
        await deployment.close();
    }
}

/** One check after the other, each on nodes that are well; if they do not recover from one, the next gets new ones. */
async function runAlone({ settings, entries }: Group, { target, driver, seed, scale, settle }: GroupContext): Promise<void> {
    let deployment: Deployment | undefined;
    try {
        for (const entry of entries) {
            deployment ??= await driver.start(nodeCount(target), settings);
            const { result, restored } = await runCheck(entry, deployment, { seed, scale, exclusive: true });
            settle(result);
            if (!restored) {
                await deployment.close();
                deployment = undefined;
            }
        }
    } finally {
        await deployment?.close();
    }
}

function verdictOf(results: readonly CheckResult[], baseline: Baseline, { unexpected, stale }: Comparison): RunResult['verdict'] {
    if (unexpected.length > 0 || stale.length > 0) {
        return 'fails';
    }
    const unmet = results.filter(({ outcome }) => outcome === 'fail' || outcome === 'inconclusive');
    if (unmet.some(({ id }) => !baseline.has(id))) {
        return 'inconclusive';
    }
    return unmet.length > 0 ? 'fails-as-known' : 'conforms';
}

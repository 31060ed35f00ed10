import path from 'node:path';
import type { Check, CheckResult } from '../checks/check.ts';
import type { Driver, NodeSettings } from '../drivers/deployment.ts';
import { UsageError } from '../errors.ts';
import type { Fault, Requirement } from '../manifest/requirement.ts';
import { isRemote, nodeCount, type Target } from '../targets/target.ts';

/** A requirement with its check. */
export interface Entry {
    readonly requirement: Requirement;
    readonly check: Check;
}

/** Checks that use the same deployment. */
export interface Group {
    readonly settings: NodeSettings;
    /** Whether each check has the deployment for itself, since it does something to the nodes. */
    readonly exclusive: boolean;
    readonly entries: readonly Entry[];
}

/**
 * Brings requirements and checks together.
 * @param only globs of ids, divided by commas. Default: all.
 * @throws {UsageError} if nothing is selected.
 */
export function select(requirements: readonly Requirement[], checks: readonly Check[], only = '*'): Entry[] {
    const globs = only.split(',').map(glob => glob.trim());
    const byId = new Map(checks.map(check => [check.id, check]));
    const entries = requirements
        .filter(({ id }) => globs.some(glob => path.matchesGlob(id, glob)))
        .flatMap(requirement => {
            const check = byId.get(requirement.id);
            return check === undefined ? [] : [{ requirement, check }];
        });
    if (entries.length === 0) {
        throw new UsageError(`No requirement has an id like ${only}; \`list\` shows them all`);
    }
    return entries;
}

/** Why a check is not run against a target. */
export type Obstacle = Pick<CheckResult, 'outcome' | 'reason'>;

/** @returns `undefined` if the check can be run. */
export function obstacleTo({ requirement, check }: Entry, target: Target, driver: Driver): Obstacle | undefined {
    for (const feature of requirement.needs) {
        const why = target.lacks[feature];
        if (why !== undefined) {
            return { outcome: 'not-applicable', reason: `Needs ${feature}: ${why}` };
        }
    }
    const nodes = nodeCount(target);
    if (nodes < requirement.nodes) {
        return { outcome: 'not-run', reason: `Needs ${requirement.nodes} nodes, and the target has ${nodes}` };
    }
    const missing = requirement.faults.find(fault => !driver.faults.has(fault) && !isPresent(fault, check, target));
    if (missing !== undefined) {
        return { outcome: 'not-run', reason: `Needs ${missing}, which can't be done here` };
    }
    return undefined;
}

/** Nodes that can't be configured may have the settings already. */
function isPresent(fault: Fault, { settings = {} }: Check, target: Target): boolean {
    return fault === 'configure' && isRemote(target) && keyOf(settings) === keyOf(target.settings);
}

/** Whether a check does something to nodes that other checks would suffer from, or would suffer from others itself. */
function isExclusive({ requirement: { faults }, check: { harmful = false, exclusive = false } }: Entry): boolean {
    return harmful || exclusive || faults.some(fault => fault !== 'configure');
}

/** Checks that need no deployment of their own share one. Groups that take longest come first. */
export function group(entries: readonly Entry[]): Group[] {
    const groups = new Map<string, { settings: NodeSettings; exclusive: boolean; entries: Entry[] }>();
    for (const entry of entries) {
        const settings = entry.check.settings ?? {};
        const exclusive = isExclusive(entry);
        const key = `${exclusive}${keyOf(settings)}`;
        const existing = groups.get(key);
        if (existing === undefined) {
            groups.set(key, { settings, exclusive, entries: [entry] });
        } else {
            existing.entries.push(entry);
        }
    }
    return [...groups.values()].sort(
        (one, other) => Number(other.exclusive) - Number(one.exclusive) || other.entries.length - one.entries.length
    );
}

function keyOf({ auth, sessionTtlMs, responseMode, resumable }: NodeSettings): string {
    return JSON.stringify([auth, sessionTtlMs, responseMode, resumable]);
}

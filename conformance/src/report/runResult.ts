import type { CheckResult } from '../checks/check.ts';

/** Everything that came of judging one target; the reports are made of it and of nothing else. */
export interface RunResult {
    readonly target: string;
    readonly description: string;
    /** ISO 8601. */
    readonly startedAt: string;
    readonly durationMs: number;
    readonly driver: 'process' | 'container' | 'url';
    readonly nodes: number;
    readonly seed: number;
    /** How many times as much as usual random workloads did. */
    readonly scale: number;
    readonly results: readonly CheckResult[];
    /** Ids that the target's baseline expects to fail. */
    readonly knownFailures: readonly string[];
    /** Failures that are not in the baseline. */
    readonly unexpected: readonly string[];
    /** Entries of the baseline that did not fail (stale). */
    readonly stale: readonly string[];
    /** `fails-as-known` if it fails where its baseline says, and nowhere else. */
    readonly verdict: 'conforms' | 'fails-as-known' | 'fails' | 'inconclusive';
}

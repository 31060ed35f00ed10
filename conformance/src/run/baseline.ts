import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { describeError, UsageError } from '../errors.ts';
import type { CheckResult } from '../checks/check.ts';
import type { Target } from '../targets/target.ts';

const knownFailure = z.union([z.string().min(1), z.strictObject({ flaky: z.string().min(1) })]);

/** Why a target does not meet a requirement; `flaky` if it does now and then, by luck, so that a pass is no news. */
export type KnownFailure = z.infer<typeof knownFailure>;

/** Requirements that a target is known not to meet, each with the reason. */
export type Baseline = ReadonlyMap<string, KnownFailure>;

const baselineFile = z.strictObject({
    $schema: z.string().optional(),
    /** Id of a requirement, and why the target does not meet it. */
    knownFailures: z.record(z.string(), knownFailure)
});

/** @throws {UsageError} if the target names a file that can't be read. */
export async function loadBaseline(target: Target): Promise<Baseline> {
    if (target.baseline === undefined) {
        return new Map();
    }
    const file = path.resolve(target.folder, target.baseline);
    try {
        return new Map(Object.entries(baselineFile.parse(JSON.parse(await readFile(file, 'utf8'))).knownFailures));
    } catch (cause) {
        const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : describeError(cause);
        throw new UsageError(`The baseline ${file} of target ${target.name} can't be used: ${reason}`, { cause });
    }
}

/** How results differ from what was known. */
export interface Comparison {
    /** Failures that the baseline does not have. */
    readonly unexpected: readonly string[];
    /** Entries of the baseline that hold no longer: the check has passed, or there is no such requirement. */
    readonly stale: readonly string[];
}

/**
 * An entry whose check was not selected, could not be run or was inconclusive is not stale: nothing was learnt about it.
 * @param known whether a requirement with that id exists.
 */
export function compareWithBaseline(results: readonly CheckResult[], baseline: Baseline, known: (id: string) => boolean): Comparison {
    const outcomes = new Map(results.map(({ id, outcome }) => [id, outcome]));
    return {
        unexpected: results.filter(({ id, outcome }) => outcome === 'fail' && !baseline.has(id)).map(({ id }) => id),
        stale: [...baseline].filter(([id, why]) => (outcomes.get(id) === 'pass' && typeof why === 'string') || !known(id)).map(([id]) => id)
    };
}

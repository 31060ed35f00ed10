import { HarnessError, UsageError } from '../errors.ts';
import type { RunResult } from '../report/runResult.ts';

/** What the process tells whoever has started it; `conforms` also of a target that fails where its baseline says, and nowhere else. 64 and 70 are those of `sysexits.h`. */
export const exitCodes = { conforms: 0, fails: 1, inconclusive: 2, usage: 64, harness: 70 } as const;

/** The exit code for all results together: a failure anywhere counts most. */
export function exitCodeOf(results: readonly RunResult[]): number {
    const verdicts = new Set(results.map(({ verdict }) => verdict));
    if (verdicts.has('fails')) {
        return exitCodes.fails;
    }
    return verdicts.has('inconclusive') ? exitCodes.inconclusive : exitCodes.conforms;
}

/** The exit code for an error that ended the run. */
export function exitCodeOfError(error: unknown): number {
    return error instanceof UsageError ? exitCodes.usage : exitCodes.harness;
}

/** What to say about an error that ended the run: what was foreseen needs no stack. */
export function messageOfError(error: unknown): string {
    if (error instanceof UsageError || error instanceof HarnessError) {
        return error.message;
    }
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** The latest time that JavaScript knows, and far from what an integer column can't hold. */
const endOfTime = 8.64e15;

/** @returns the time `durationMs` from `now`, in whole milliseconds and never earlier; lasts in effect for ever if it is infinite. */
export function timeAfter(now: number, durationMs: number): number {
    return Math.min(Math.ceil(now + durationMs), endOfTime);
}

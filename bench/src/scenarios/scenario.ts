import type { Summary } from '../statistics.ts';
import type { Places, TargetName } from '../targets.ts';

/** How long and how often is measured. */
export interface Effort {
    /** Milliseconds that each server works before it is measured: the JIT takes long. */
    readonly warmUpMs: number;
    /** Milliseconds of one measurement. */
    readonly measureMs: number;
    /** Measurements of each target, taken in turns. */
    readonly repetitions: number;
    /** Factor for counts of sessions and the like. */
    readonly scale: number;
}

export interface Bench {
    readonly places: Places;
    readonly effort: Effort;
    /** Of the scenario's targets, those that are wanted. */
    readonly targets: readonly TargetName[];
    progress(text: string): void;
}

/** One line of a scenario's table. */
export interface Row {
    readonly target: TargetName;
    /** What tells this line from others of the same target. */
    readonly variant?: string | undefined;
    readonly measured: Summary;
    /** Operations per second, with all workers busy. */
    readonly throughput?: Summary | undefined;
}

export interface Scenario {
    readonly name: string;
    readonly title: string;
    /** What is measured, with its unit. */
    readonly unit: string;
    readonly targets: readonly TargetName[];
    measure(bench: Bench): Promise<readonly Row[]>;
}

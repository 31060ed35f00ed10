import os from 'node:os';
import type { Effort, Row } from './scenarios/scenario.ts';

export interface ScenarioResult {
    readonly scenario: string;
    readonly title: string;
    readonly unit: string;
    readonly rows: readonly Row[];
}

/** A whole run, as it is written to a file. */
export interface RunResults {
    /** Day of the run. */
    readonly date: string;
    readonly machine: Machine;
    readonly effort: Effort;
    readonly results: readonly ScenarioResult[];
}

export interface Machine {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGiB: number;
    readonly os: string;
    readonly node: string;
}

export function thisMachine(): Machine {
    const [cpu] = os.cpus();
    return {
        cpu: cpu?.model.trim() ?? 'unknown',
        cores: os.cpus().length,
        memoryGiB: Math.round(os.totalmem() / 2 ** 30),
        os: `${os.type()} ${os.release().split('-')[0]}`,
        node: process.version
    };
}

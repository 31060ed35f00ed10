import type { Row } from './scenarios/scenario.ts';
import type { ScenarioResult } from './results.ts';

/** What a scenario is to reach. */
export interface Goal {
    readonly scenario: string;
    readonly what: string;
    /** @returns what was reached, or `undefined` if it was not measured. */
    reached(rows: readonly Row[]): number | undefined;
    readonly atMost: number;
    readonly unit: string;
}

const find = (rows: readonly Row[], target: string, variant?: string): number | undefined =>
    rows.find(row => row.target === target && (variant === undefined || row.variant === variant))?.measured.median;

function ratio(target: string, against: string): Goal['reached'] {
    return rows => {
        const [one, other] = [find(rows, target), find(rows, against)];
        return one === undefined || other === undefined ? undefined : one / other;
    };
}

const ofUpstream = 'of the unmodified SDK';

export const goals: readonly Goal[] = [
    { scenario: 'json', what: 'memory', reached: ratio('memory', 'upstream'), atMost: 1 / 4, unit: ofUpstream },
    { scenario: 'sse', what: 'memory, neither resumable', reached: ratio('memory', 'upstream'), atMost: 1 / 3.5, unit: ofUpstream },
    {
        scenario: 'sse',
        what: 'memory, both resumable',
        reached: ratio('memory-resumable', 'upstream-resumable'),
        atMost: 1 / 3.5,
        unit: ofUpstream
    },
    { scenario: 'hop', what: 'Redis, three nodes', reached: ratio('redis', 'upstream'), atMost: 1 / 2, unit: `${ofUpstream}, one node` },
    {
        scenario: 'hop',
        what: 'Redis, three nodes, resumable (the unmodified SDK: not)',
        reached: ratio('redis-resumable', 'upstream'),
        atMost: 1 / 2,
        unit: `${ofUpstream}, one node`
    },
    { scenario: 'churn', what: 'memory', reached: ratio('memory', 'upstream'), atMost: 1 / 2, unit: ofUpstream },
    { scenario: 'fan-out', what: 'memory', reached: ratio('memory', 'upstream'), atMost: 1 / 3, unit: ofUpstream },
    {
        scenario: 'reply',
        what: 'Redis, added by the other node',
        reached: rows => {
            const [other, same] = [find(rows, 'redis', 'at another node'), find(rows, 'redis', 'at the node that asks')];
            return other === undefined || same === undefined ? undefined : other - same;
        },
        atMost: 3,
        unit: 'ms'
    },
    { scenario: 'restore', what: 'Redis, cold node', reached: rows => find(rows, 'redis', 'cold node'), atMost: 2, unit: 'ms' },
    { scenario: 'memory', what: 'memory, live', reached: ratio('memory', 'upstream'), atMost: 1, unit: ofUpstream },
    { scenario: 'memory', what: 'Redis, evicted', reached: rows => find(rows, 'redis', 'evicted'), atMost: 100, unit: 'bytes per session' },
    {
        scenario: 'stored-sessions',
        what: 'a million against a thousand',
        reached: rows => {
            const [few, many] = rows.map(({ measured }) => measured.median);
            return few === undefined || many === undefined ? undefined : many / few;
        },
        atMost: 1.1,
        unit: 'of the cost with few'
    }
];

/** What a run says of a goal. */
export interface Reached {
    readonly goal: Goal;
    readonly value: number;
    readonly isReached: boolean;
}

/** The goals that a run has measured. */
export function judge(results: readonly ScenarioResult[]): Reached[] {
    return goals.flatMap(goal => {
        const rows = results.find(({ scenario }) => scenario === goal.scenario)?.rows;
        const value = rows && goal.reached(rows);
        return value === undefined ? [] : [{ goal, value, isReached: value <= goal.atMost }];
    });
}

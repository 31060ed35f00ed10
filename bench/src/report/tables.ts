import { judge } from '../goals.ts';
import type { RunResults, ScenarioResult } from '../results.ts';
import type { Row } from '../scenarios/scenario.ts';
import { targets } from '../targets.ts';

/** The whole run as Markdown: the goals first, then a table for each scenario. */
export function markdownOf({ date, machine, effort, results }: RunResults): string {
    const { cpu, cores, memoryGiB, os, node } = machine;
    return [
        `Run of ${date} on ${cpu}, ${cores} cores, ${memoryGiB} GiB, ${os}, Node ${node}; ${effort.repetitions} repetitions of ` +
            `${effort.measureMs / 1000} s after ${effort.warmUpMs / 1000} s of warming up; medians, with the lowest and the highest.`,
        '### Goals',
        goalsTable(results),
        ...results.flatMap(result => [`### ${result.title}`, scenarioTable(result)])
    ].join('\n\n');
}

function goalsTable(results: readonly ScenarioResult[]): string {
    const lines = judge(results).map(({ goal, value, isReached }) => [
        titleOf(results, goal.scenario),
        goal.what,
        `at most ${number(goal.atMost)} ${goal.unit}`,
        number(value),
        isReached ? 'yes' : '**no**'
    ]);
    return table(['scenario', 'what', 'goal', 'measured', 'reached'], lines);
}

function titleOf(results: readonly ScenarioResult[], scenario: string): string {
    return results.find(result => result.scenario === scenario)?.title ?? scenario;
}

function scenarioTable({ unit, rows }: ScenarioResult): string {
    const upstream = rows.find(({ target, variant }) => target === 'upstream' && (variant === undefined || variant === 'live'))?.measured
        .median;
    const hasThroughput = rows.some(({ throughput }) => throughput !== undefined);
    const head = ['', unit, 'spread', ...(upstream === undefined ? [] : ['ratio']), ...(hasThroughput ? ['operations per second'] : [])];
    const lines = rows.map(row => [
        labelOf(row),
        number(row.measured.median),
        row.measured.count < 2 ? '' : `${number(row.measured.lowest)}–${number(row.measured.highest)}`,
        ...(upstream === undefined ? [] : [number(row.measured.median / upstream)]),
        ...(hasThroughput ? [number(row.throughput?.median ?? Number.NaN)] : [])
    ]);
    return table(head, lines);
}

export function labelOf({ target, variant }: Row): string {
    return variant === undefined ? targets[target].title : `${targets[target].title}, ${variant}`;
}

/** A number with as many digits as say something. */
export function number(value: number): string {
    const size = Math.abs(value);
    return value.toLocaleString('en', { maximumFractionDigits: size >= 100 ? 0 : size >= 10 ? 1 : 2 });
}

/** As prettier formats a table, so that documents need not be formatted again. */
function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
    const widths = head.map((title, column) => Math.max(3, title.length, ...lines.map(line => line[column]?.length ?? 0)));
    const row = (cells: readonly string[]): string => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
    return [row(head), `| ${widths.map(width => '-'.repeat(width)).join(' | ')} |`, ...lines.map(row)].join('\n');
}

import type { Outcome } from '../checks/check.ts';
import type { Requirement } from '../manifest/requirement.ts';

/** What came of judging one target. */
export interface Column {
    readonly target: string;
    readonly outcomes: ReadonlyMap<string, Outcome>;
}

/** How outcomes are shown. What could not be run, what does not apply, and what was not found out prove nothing either way. */
const signs: Readonly<Record<Outcome, string>> = { pass: '✓', fail: '✗', inconclusive: '?', 'not-run': '–', 'not-applicable': '·' };

/** All targets and areas, with how many requirements each target meets, does not meet, and was not judged by. */
export function areaTable(requirements: readonly Requirement[], columns: readonly Column[]): string {
    const areas = [...new Set(requirements.map(areaOf))];
    const row = (name: string, ids: readonly string[]) => [name, ...columns.map(column => countsOf(column, ids))];
    return markdownTable([
        ['area', ...columns.map(({ target }) => target)],
        ...areas.map(area =>
            row(
                area,
                requirements.filter(requirement => areaOf(requirement) === area).map(({ id }) => id)
            )
        ),
        row(
            'all',
            requirements.map(({ id }) => id)
        )
    ]);
}

/** All targets and requirements. */
export function requirementTable(requirements: readonly Requirement[], columns: readonly Column[]): string {
    return markdownTable([
        ['requirement', 'level', ...columns.map(({ target }) => target)],
        ...requirements.map(({ id, level }) => [id, level, ...columns.map(({ outcomes }) => signs[outcomes.get(id) ?? 'not-run'])])
    ]);
}

/** Reads what {@link requirementTable} has written. Lines that belong to no table of requirements are passed over. */
export function readRequirementTable(markdown: string): Column[] {
    const rows = markdown
        .split('\n')
        .filter(line => line.startsWith('| '))
        .map(line =>
            line
                .slice(1, -1)
                .split('|')
                .map(cell => cell.trim())
        );
    const head = rows.find(([first]) => first === 'requirement') ?? [];
    const body = rows.filter(([first]) => first?.includes('.') === true);
    return head.slice(2).map((target, index) => ({
        target,
        outcomes: new Map(body.map(cells => [cells[0] ?? '', outcomeOf(cells[index + 2] ?? '')]))
    }));
}

function areaOf({ id }: Requirement): string {
    return id.split('.', 1)[0] ?? id;
}

function countsOf({ outcomes }: Column, ids: readonly string[]): string {
    const count = (...wanted: readonly Outcome[]) => ids.filter(id => wanted.includes(outcomes.get(id) ?? 'not-run')).length;
    const counts = [
        [count('pass'), signs.pass],
        [count('fail'), signs.fail],
        [count('inconclusive'), signs.inconclusive],
        [count('not-run', 'not-applicable'), signs['not-run']]
    ] as const;
    return counts
        .filter(([number]) => number > 0)
        .map(([number, sign]) => `${number} ${sign}`)
        .join(', ');
}

function outcomeOf(sign: string): Outcome {
    switch (sign) {
        case signs.pass:
            return 'pass';
        case signs.fail:
            return 'fail';
        case signs.inconclusive:
            return 'inconclusive';
        case signs['not-applicable']:
            return 'not-applicable';
        default:
            return 'not-run';
    }
}

/** A table with aligned columns, as Prettier would make it. */
function markdownTable([head = [], ...body]: readonly (readonly string[])[]): string {
    const widths = head.map((_, index) => Math.max(3, ...[head, ...body].map(row => row[index]?.length ?? 0)));
    const line = (cells: readonly string[]) => `| ${cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' | ')} |`;
    return [line(head), line(widths.map(width => '-'.repeat(width))), ...body.map(line)].join('\n');
}

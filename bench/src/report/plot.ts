import type { ScenarioResult } from '../results.ts';
import { labelOf, number } from './tables.ts';

const WIDTH = 760;
const LABEL = 300;
const BAR = 18;
const GAP = 8;
const TOP = 44;
const RIGHT = 70;

/** A bar chart of a scenario as SVG, which follows the reader's choice of light or dark. */
export function plotOf({ title, unit, rows }: ScenarioResult): string {
    const highest = Math.max(...rows.map(({ measured }) => measured.highest));
    const scale = (WIDTH - LABEL - RIGHT) / highest;
    const height = TOP + rows.length * (BAR + GAP) + GAP;
    const bars = rows.map((row, index) => {
        const { median, lowest, highest: top, count } = row.measured;
        const y = TOP + index * (BAR + GAP);
        const middle = y + BAR / 2;
        const kind = row.target.startsWith('upstream') ? 'upstream' : row.target === 'bare' ? 'bare' : 'own';
        const spread =
            count < 2
                ? ''
                : `<line class="spread" x1="${px(LABEL + lowest * scale)}" x2="${px(LABEL + top * scale)}" y1="${middle}" y2="${middle}"/>`;
        return (
            `<text class="label" x="${LABEL - 8}" y="${middle}">${escape(labelOf(row).replaceAll('`', ''))}</text>` +
            `<rect class="${kind}" x="${LABEL}" y="${y}" width="${px(median * scale)}" height="${BAR}" rx="2"/>${spread}` +
            `<text class="value" x="${px(LABEL + Math.max(median, top) * scale + 6)}" y="${middle}">${number(median)}</text>`
        );
    });
    return [
        `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escape(`${title}: ${unit}`)}">`,
        '<style>',
        'text{font:13px system-ui,sans-serif;fill:#1f2328;dominant-baseline:central}',
        '.title{font-weight:600}.unit{fill:#59636e}.label{text-anchor:end}.value{font-variant-numeric:tabular-nums}',
        '.own{fill:#1a7f64}.upstream{fill:#8c959f}.bare{fill:#d0d7de}.spread{stroke:#1f2328;stroke-width:1.5}',
        '@media (prefers-color-scheme:dark){text{fill:#e6edf3}.unit{fill:#9198a1}.own{fill:#3fb998}.upstream{fill:#6e7781}',
        '.bare{fill:#424a53}.spread{stroke:#e6edf3}}',
        '</style>',
        `<text class="title" x="0" y="12">${escape(title)}</text><text class="unit" x="0" y="30">${escape(unit)}</text>`,
        ...bars,
        '</svg>',
        ''
    ].join('\n');
}

function px(value: number): string {
    return value.toFixed(1);
}

function escape(text: string): string {
    return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

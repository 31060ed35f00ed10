import type { CheckResult, Outcome } from '../checks/check.ts';
import type { Requirement } from '../manifest/requirement.ts';
import { traceOf } from './describeEvent.ts';
import { style } from './htmlStyle.ts';
import { escapeText as text } from './markup.ts';
import type { RunResult } from './runResult.ts';
import { sequenceDiagram } from './sequenceDiagram.ts';

/** Of a trace, from its beginning and from its end. */
const TRACE_LINES = 100;
/** Of what a node wrote, from its end. */
const LOG_LINES = 200;

/** How outcomes are shown: by a sign and words, not by colour alone. */
const shown: Readonly<Record<Outcome, { readonly sign: string; readonly words: string; readonly style: string }>> = {
    pass: { sign: '✓', words: 'met', style: 'good' },
    fail: { sign: '✗', words: 'not met', style: 'bad' },
    inconclusive: { sign: '?', words: 'not found out', style: 'warn' },
    'not-run': { sign: '–', words: 'not run', style: 'dim' },
    'not-applicable': { sign: '·', words: 'does not apply', style: 'dim' }
};

/** One page that needs nothing else: verdicts, a matrix of requirements and targets, and what happened where something failed. */
export function htmlReport(results: readonly RunResult[], requirements: readonly Requirement[]): string {
    const known = new Map(requirements.map(requirement => [requirement.id, requirement]));
    return [
        '<!doctype html>',
        '<html lang="en">',
        '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">",
        `<title>Session conformance: ${text(results.map(({ target }) => target).join(', '))}</title><style>${style}</style></head>`,
        '<body><header><h1>Session conformance</h1>',
        '<p class="dim">Whether servers keep their sessions when they run as several nodes, judged from outside.</p></header>',
        `<main><div class="runs">${results.map(summaryOf).join('')}</div>`,
        matrixOf(results, requirements),
        ...results.map(run => failuresOf(run, known)),
        '</main>',
        `<script>${filterScript}</script></body></html>`,
        ''
    ].join('\n');
}

const verdicts = {
    conforms: ['good', '✓ conforms'],
    'fails-as-known': ['warn', '✗ fails, as its baseline says'],
    fails: ['bad', '✗ fails'],
    inconclusive: ['warn', '? inconclusive']
} as const;

function summaryOf(run: RunResult): string {
    const [style, verdict] = verdicts[run.verdict];
    const counts = (['pass', 'fail', 'inconclusive', 'not-run', 'not-applicable'] as const)
        .map(outcome => ({ outcome, count: run.results.filter(result => result.outcome === outcome).length }))
        .filter(({ count }) => count > 0)
        .map(
            ({ outcome, count }) => `<span class="${shown[outcome].style}">${shown[outcome].sign}</span> ${count} ${shown[outcome].words}`
        );
    const surprises = [listed('not in the baseline', run.unexpected), listed('in the baseline, but not failing', run.stale)];
    return (
        `<section class="run"><strong>${text(run.target)}</strong> <span class="${style}">${verdict}</span>` +
        `<p class="dim">${text(run.description)}</p><p class="counts">${counts.join('<br>')}</p>` +
        surprises.join('') +
        `<p class="dim">${run.nodes} nodes (${run.driver}), ${(run.durationMs / 1000).toFixed(1)} s, seed ${run.seed}, scale ${run.scale}, ${text(run.startedAt)}</p></section>`
    );
}

function listed(what: string, ids: readonly string[]): string {
    return ids.length === 0 ? '' : `<details class="bad"><summary>${ids.length} ${what}</summary>${text(ids.join(', '))}</details>`;
}

function matrixOf(results: readonly RunResult[], requirements: readonly Requirement[]): string {
    const judged = requirements.filter(({ id }) => results.some(run => run.results.some(result => result.id === id)));
    const rows: string[] = [];
    let area = '';
    for (const requirement of judged) {
        const [ofRequirement = ''] = requirement.id.split('.');
        if (ofRequirement !== area) {
            area = ofRequirement;
            rows.push(`<tr class="area"><th colspan="${results.length + 2}" scope="rowgroup">${text(area)}</th></tr>`);
        }
        const cells = results.map(run => run.results.find(result => result.id === requirement.id));
        const outcomes = cells.flatMap(cell => cell?.outcome ?? []).join(' ');
        rows.push(
            `<tr data-outcomes="${outcomes}"><th scope="row" id="${text(requirement.id)}"><code>${text(requirement.id)}</code><small>${text(requirement.title)}</small></th>` +
                `<td>${requirement.level}</td>${cells.map((cell, index) => cellOf(results[index]?.target ?? '', cell)).join('')}</tr>`
        );
    }
    const heads = results.map(({ target }) => `<th scope="col">${text(target)}</th>`).join('');
    return (
        '<h2 id="matrix">Requirements</h2><div class="filters"><input type="search" aria-label="Show requirements with" placeholder="Show requirements with…">' +
        '<select aria-label="Outcome"><option value="">any outcome</option>' +
        Object.entries(shown)
            .map(([outcome, { sign, words }]) => `<option value="${outcome}">${sign} ${words}</option>`)
            .join('') +
        '</select></div>' +
        `<div class="scroll" tabindex="0" role="region" aria-labelledby="matrix"><table><thead><tr><th scope="col">requirement</th><th scope="col">level</th>${heads}</tr></thead>` +
        `<tbody>${rows.join('\n')}</tbody></table></div>`
    );
}

function cellOf(target: string, result: CheckResult | undefined): string {
    if (result === undefined) {
        return '<td class="outcome dim">not judged</td>';
    }
    const { sign, words, style: colour } = shown[result.outcome];
    const mark = `<span class="${colour}" title="${text(result.reason ?? words)}" aria-label="${words}">${sign}</span>`;
    return `<td class="outcome">${hasDetails(result) ? `<a href="#${anchorOf(target, result.id)}">${mark}</a>` : mark}</td>`;
}

function hasDetails({ outcome }: CheckResult): boolean {
    return outcome === 'fail' || outcome === 'inconclusive';
}

function failuresOf(run: RunResult, known: ReadonlyMap<string, Requirement>): string {
    const failures = run.results.filter(hasDetails);
    return failures.length === 0
        ? ''
        : `<h2>What happened at ${text(run.target)}</h2>${failures.map(result => failureOf(run, result, known.get(result.id))).join('\n')}`;
}

function failureOf(run: RunResult, result: CheckResult, requirement: Requirement | undefined): string {
    const logs = Object.entries(result.logs ?? {})
        .filter(([, log]) => log.trim() !== '')
        .map(
            ([node, log]) =>
                `<details><summary>What ${text(node)} wrote</summary><pre>${text(log.split('\n').slice(-LOG_LINES).join('\n'))}</pre></details>`
        );
    const isKnown = run.knownFailures.includes(result.id) ? ' <span class="dim">(in the baseline)</span>' : '';
    return (
        `<article class="failure"><h3 id="${anchorOf(run.target, result.id)}"><a href="#${text(result.id)}"><code>${text(result.id)}</code></a>${isKnown}</h3>` +
        (requirement === undefined
            ? ''
            : `<p>${requirement.level}: ${text(requirement.title)} <span class="dim">${sourceOf(requirement)}</span></p>`) +
        `<pre class="reason">${text(result.reason ?? shown[result.outcome].words)}</pre>` +
        (result.history.length === 0
            ? ''
            : `<details><summary>Diagram</summary><div class="scroll" tabindex="0" role="region" aria-label="Diagram">${sequenceDiagram(result.history, `What happened in ${result.id} at ${run.target}`)}</div></details>` +
              `<details><summary>Trace, ${result.history.length} events</summary><pre tabindex="0">${text(traceOf(result.history, TRACE_LINES))}</pre></details>`) +
        `${logs.join('')}</article>`
    );
}

function sourceOf({ source }: Requirement): string {
    return 'rule' in source ? `Rule ${text(source.rule)}` : `Specification ${text(source.revision)}, ${text(source.section)}`;
}

function anchorOf(target: string, id: string): string {
    return text(`${target}--${id}`.replace(/[^\w.-]+/g, '-'));
}

/** Without it, everything is shown. */
const filterScript = `
const [search, select] = document.querySelectorAll('.filters input, .filters select');
const rows = [...document.querySelectorAll('tbody tr')];
const filter = () => {
    const wanted = search.value.toLowerCase();
    let area, any = false;
    const close = () => { if (area) area.hidden = !any; };
    for (const row of rows) {
        if (row.classList.contains('area')) { close(); area = row; any = false; continue; }
        const isShown = row.textContent.toLowerCase().includes(wanted) && (!select.value || row.dataset.outcomes.split(' ').includes(select.value));
        row.hidden = !isShown;
        any ||= isShown;
    }
    close();
};
search.addEventListener('input', filter);
select.addEventListener('input', filter);
`;

import type { CheckResult } from '../checks/check.ts';
import { traceOf } from './describeEvent.ts';
import { escapeText } from './markup.ts';
import type { RunResult } from './runResult.ts';

/** Of a trace, from its beginning and from its end. */
const TRACE_LINES = 40;

/**
 * Runs as JUnit XML, which CI systems show: a suite per target, a case per requirement. What the baseline expects to fail is skipped,
 * with the reason; what it does not, and what it expects in vain, fails.
 */
export function junitReport(results: readonly RunResult[]): string {
    return [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<testsuites name="session conformance">',
        ...results.map(suiteOf),
        '</testsuites>',
        ''
    ].join('\n');
}

function suiteOf(run: RunResult): string {
    const cases = run.results.map(result => ({ result, kind: kindOf(run, result) }));
    const count = (kind: Kind): number => cases.filter(each => each.kind === kind).length;
    const attributes =
        `name="${escapeText(run.target)}" tests="${cases.length}" failures="${count('failure')}" errors="${count('error')}" ` +
        `skipped="${count('skipped')}" time="${(run.durationMs / 1000).toFixed(3)}" timestamp="${escapeText(run.startedAt)}"`;
    return [`  <testsuite ${attributes}>`, ...cases.map(({ result, kind }) => caseOf(run, result, kind)), '  </testsuite>'].join('\n');
}

type Kind = 'passed' | 'failure' | 'error' | 'skipped';

function kindOf({ knownFailures, stale }: RunResult, { id, outcome }: CheckResult): Kind {
    if (stale.includes(id)) {
        return 'failure';
    }
    switch (outcome) {
        case 'pass':
            return 'passed';
        case 'fail':
            return knownFailures.includes(id) ? 'skipped' : 'failure';
        case 'inconclusive':
            return knownFailures.includes(id) ? 'skipped' : 'error';
        case 'not-run':
        case 'not-applicable':
            return 'skipped';
    }
}

function caseOf(run: RunResult, { id, outcome, reason, durationMs, history }: CheckResult, kind: Kind): string {
    const area = id.split('.')[0] ?? id;
    const head = `    <testcase classname="${escapeText(`${run.target}.${area}`)}" name="${escapeText(id)}" time="${(durationMs / 1000).toFixed(3)}"`;
    if (kind === 'passed') {
        return `${head}/>`;
    }
    const isStale = run.stale.includes(id);
    const known = !isStale && run.knownFailures.includes(id) ? 'known failure: ' : '';
    const message = escapeText(isStale ? 'The baseline expects this to fail, and it does not' : `${known}${reason ?? outcome}`);
    if (kind === 'skipped') {
        return `${head}><skipped message="${message}"/></testcase>`;
    }
    return `${head}><${kind} message="${message}">${escapeText(traceOf(history, TRACE_LINES))}</${kind}></testcase>`;
}

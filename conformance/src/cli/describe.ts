import type { CheckResult } from '../checks/check.ts';
import type { HistoryEvent } from '../history/historyEvent.ts';
import type { Requirement } from '../manifest/requirement.ts';
import type { RunResult } from '../report/runResult.ts';

const signs: Readonly<Record<CheckResult['outcome'], string>> = {
    pass: '✓',
    fail: '✗',
    inconclusive: '?',
    'not-run': '-',
    'not-applicable': '-'
};

/** A result in a line. */
export function describeResult({ id, outcome, reason, durationMs }: CheckResult, isKnown: boolean): string {
    const known = isKnown && outcome === 'fail' ? ' (known)' : '';
    const why = reason === undefined ? '' : `: ${reason.split('\n', 1)[0]}`;
    const time = durationMs === 0 ? '' : ` ${durationMs} ms`;
    return `${signs[outcome]} ${id}${outcome === 'pass' ? time : ` ${outcome}${known}${why}`}`;
}

/** A run in a few lines. */
export function describeRun(result: RunResult): string {
    const counts = new Map<string, number>();
    for (const { outcome } of result.results) {
        counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    }
    const summary = [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(', ');
    const seconds = (result.durationMs / 1000).toFixed(1);
    const lines = [
        `${result.target}: ${result.verdict}; ${summary}; ${result.nodes} nodes (${result.driver}), ${seconds} s, seed ${result.seed}, scale ${result.scale}`
    ];
    if (result.unexpected.length > 0) {
        lines.push(`Not in the baseline: ${result.unexpected.join(', ')}`);
    }
    if (result.stale.length > 0) {
        lines.push(`Stale in the baseline, to be removed from it: ${result.stale.join(', ')}`);
    }
    return lines.join('\n');
}

/** Where a requirement comes from. */
export function describeSource({ source }: Requirement): string {
    return 'rule' in source ? source.rule : `MCP ${source.revision}, ${source.section}`;
}

const longestMessage = 200;
const shownLogLines = 30;

/** Why a check has not passed, with all that was sent and received, and what the nodes have written. */
export function describeFailure({ id, outcome, reason = '', history, logs = {} }: CheckResult): string {
    const written = Object.entries(logs)
        .filter(([, text]) => text.trim() !== '')
        .map(([node, text]) => `  ${node} has written:\n${indent(text.trim().split('\n').slice(-shownLogLines))}`);
    return [`${id} ${outcome}: ${reason}`, ...history.map(event => `  ${describeEvent(event)}`), ...written].join('\n');
}

function indent(lines: readonly string[]): string {
    return lines.map(line => `    ${line}`).join('\n');
}

function describeEvent(event: HistoryEvent): string {
    return `${event.at.toFixed(1).padStart(9)} ms  ${describeStep(event)}`;
}

function describeStep(event: HistoryEvent): string {
    switch (event.type) {
        case 'invoke': {
            const session = event.session === undefined ? 'no session' : `session ${event.session.slice(0, 8)}`;
            const cursor = event.lastEventId === undefined ? '' : ` Last-Event-ID ${event.lastEventId}`;
            return `#${event.op} → ${event.node} ${event.method} (${session})${cursor} ${(event.messages ?? []).map(shorten).join(' ')}`;
        }
        case 'response':
            return `#${event.op} ← ${event.answeredBy ?? '(unknown)'} ${event.status}`;
        case 'message':
            return `#${event.op} ← ${event.eventId === undefined ? '' : `[${event.eventId}] `}${shorten(event.message)}`;
        case 'complete':
            return `#${event.op} ${event.outcome}${event.reason === undefined ? '' : `: ${event.reason}`}`;
        case 'fault':
            return `!! ${event.phase} ${event.fault} ${event.node ?? ''}`;
        case 'note':
            return `-- ${event.text}`;
    }
}

function shorten(message: unknown): string {
    const text = JSON.stringify(message) ?? '';
    return text.length > longestMessage ? `${text.slice(0, longestMessage)}…` : text;
}

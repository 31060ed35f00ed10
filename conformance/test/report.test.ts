import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse, type DefaultTreeAdapterTypes } from 'parse5';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { beforeAll, describe, expect, it } from 'vitest';
import { defects } from '../broken/defects.ts';
import { judge } from '../broken/judge.ts';
import type { CheckResult } from '../src/checks/check.ts';
import type { HistoryEvent } from '../src/history/historyEvent.ts';
import { manifest } from '../src/manifest/manifest.ts';
import { traceOf } from '../src/report/describeEvent.ts';
import { htmlReport } from '../src/report/htmlReport.ts';
import { junitReport } from '../src/report/junitReport.ts';
import type { RunResult } from '../src/report/runResult.ts';
import { sequenceDiagram } from '../src/report/sequenceDiagram.ts';
import { writeReports } from '../src/report/writeReports.ts';

const hostile = `</script><script>alert(1)</script> ]]> " ' & \u0000\u001b[31m \ud800`;

function runOf(target: string, results: readonly CheckResult[], more: Partial<RunResult> = {}): RunResult {
    return {
        target,
        description: 'A target',
        startedAt: '2026-01-01T00:00:00.000Z',
        durationMs: 1234,
        driver: 'process',
        nodes: 3,
        seed: 1,
        scale: 1,
        results,
        knownFailures: [],
        unexpected: results.flatMap(({ id, outcome }) => (outcome === 'fail' ? [id] : [])),
        stale: [],
        verdict: results.some(({ outcome }) => outcome === 'fail') ? 'fails' : 'conforms',
        ...more
    };
}

type Node = DefaultTreeAdapterTypes.ChildNode;

function elementsIn(html: string, name: string): DefaultTreeAdapterTypes.Element[] {
    const found: DefaultTreeAdapterTypes.Element[] = [];
    const visit = (nodes: readonly Node[]): void => {
        for (const node of nodes) {
            if ('tagName' in node) {
                if (node.tagName === name) {
                    found.push(node);
                }
                visit(node.childNodes);
            }
        }
    };
    visit(parse(html).childNodes);
    return found;
}

const attribute = (element: DefaultTreeAdapterTypes.Element, name: string): string | undefined =>
    element.attrs.find(each => each.name === name)?.value;

describe('reports of a server that forgets its sessions, and of one that does not', { timeout: 60_000 }, () => {
    let broken: RunResult;
    let sound: RunResult;
    let html: string;

    beforeAll(async () => {
        broken = runOf('broken', await judge(defects['sessions-stay-local'], 'session.*'));
        sound = runOf('sound', await judge(undefined, 'session.*'));
        html = htmlReport([broken, sound], manifest);
    }, 60_000);

    it('have a row for each requirement that was judged, once', () => {
        const ids = elementsIn(html, 'th').flatMap(element => attribute(element, 'id') ?? []);
        expect(ids).toEqual(broken.results.map(({ id }) => id));
    });

    it('tell what happened of each that failed, and link there from the matrix', () => {
        const failed = broken.results.filter(({ outcome }) => outcome === 'fail');
        expect(failed.length).toBeGreaterThan(0);
        expect(elementsIn(html, 'article')).toHaveLength(failed.length);
        const anchors = elementsIn(html, 'h3').map(element => attribute(element, 'id'));
        const links = elementsIn(html, 'a').map(element => attribute(element, 'href'));
        for (const anchor of anchors) {
            expect(links).toContain(`#${anchor}`);
        }
    });

    it('draw an arrow for each request, answer and message of a failure', () => {
        for (const { history, outcome } of broken.results) {
            const expected = history.filter(event => event.type === 'invoke' || event.type === 'response' || event.type === 'message');
            if (outcome === 'fail' && history.length <= 100) {
                const cutOff = history.filter(event => event.type === 'complete' && event.outcome !== 'ok');
                expect(sequenceDiagram(history, '').match(/<polygon/g)).toHaveLength(expected.length + cutOff.length);
            }
        }
    });

    it('need nothing from elsewhere', () => {
        expect(html).not.toMatch(/(?:src|href)="(?!#)/);
        expect(html).not.toMatch(/@import|url\(/);
    });

    it('are JUnit XML with a case for each requirement, and the failures as failures', () => {
        const xml = junitReport([broken, sound]);
        expect(XMLValidator.validate(xml)).toBe(true);
        const failed = broken.results.filter(({ outcome }) => outcome === 'fail').length;
        expect(xml.match(/<testcase /g)).toHaveLength(broken.results.length + sound.results.length);
        expect(xml.match(/<failure /g)).toHaveLength(failed);
        expect(xml).toContain(`name="broken" tests="${broken.results.length}" failures="${failed}"`);
    });
});

const history: readonly HistoryEvent[] = [
    { type: 'invoke', at: 1, op: 1, session: hostile, node: 'node-1', method: 'POST', messages: [{ id: 1, method: hostile }] },
    { type: 'response', at: 2, op: 1, status: 500, answeredBy: 'node-1' },
    { type: 'message', at: 3, op: 1, message: { id: 1, error: { message: hostile } } },
    { type: 'fault', at: 4, fault: 'kill-node', node: 'node-1', phase: 'begin' },
    { type: 'complete', at: 5, op: 1, outcome: 'failed', reason: hostile },
    { type: 'note', at: 6, text: hostile }
];
const id = manifest[0]?.id ?? '';
const failure: CheckResult = { id, outcome: 'fail', reason: hostile, durationMs: 1, history, logs: { 'node-1': hostile } };

it('show what a server said as text, whatever it said', () => {
    const run = runOf('target', [failure], { description: hostile });
    const html = htmlReport([run], manifest);
    expect(elementsIn(html, 'script')).toHaveLength(1);
    expect(html).not.toContain('\u0000');
    const xml = junitReport([run]);
    expect(XMLValidator.validate(xml)).toBe(true);
    const parsed: unknown = new XMLParser({ ignoreAttributes: false }).parse(xml);
    expect(JSON.stringify(parsed)).toContain('<script>alert(1)</script>');
});

it('tell known failures, and baselines that are out of date, apart from failures', () => {
    const passed: CheckResult = { id, outcome: 'pass', durationMs: 1, history: [] };
    const known = junitReport([runOf('target', [failure], { knownFailures: [id], unexpected: [] })]);
    expect(known).toMatch(/<skipped message="known failure: /);
    expect(known).toContain('failures="0"');
    const stale = junitReport([runOf('target', [passed], { knownFailures: [id], stale: [id] })]);
    expect(stale).toMatch(/<failure message="The baseline expects this to fail, and it does not">/);
});

it('leave out the middle of what is too long, and say how much', () => {
    const long = Array.from({ length: 1000 }, (_, at): HistoryEvent => ({ type: 'note', at, text: `event ${at}` }));
    const trace = traceOf(long, 10);
    expect(trace.split('\n')).toHaveLength(21);
    expect(trace).toMatch(/event 9\n.*980 events are left out here.*\n.*event 990/);
    expect(sequenceDiagram(long, '')).toContain('880 events are left out here');
    expect(traceOf(long.slice(0, 20), 10)).not.toContain('left out');
});

it('are written to a folder: JSON of each target, JUnit XML, a page', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'report-test-'));
    try {
        const files = await writeReports(path.join(folder, 'new'), [runOf('target', [failure])]);
        expect(files.map(file => path.basename(file))).toEqual(['target.json', 'junit.xml', 'report.html']);
        const written: unknown = JSON.parse(await readFile(files[0] ?? '', 'utf8'));
        expect(written).toMatchObject({ target: 'target', results: [{ id }] });
    } finally {
        await rm(folder, { recursive: true });
    }
});

import type { HistoryEvent } from '../history/historyEvent.ts';
import { labelOfMessage, labelOfRequest } from './describeEvent.ts';
import { escapeText, shortened } from './markup.ts';

const COLUMN = 210;
const MARGIN = 90;
const HEAD = 44;
const ROW = 26;
/** Events beyond these are left out, from the middle. */
const FIRST_ROWS = 70;
const LAST_ROWS = 50;
const LABEL_LENGTH = 34;

interface Step {
    /** Draws the step at a height. */
    draw(y: number): string;
}

/** Draws a history as SVG: who said what to whom, from top to bottom, and what was done to the nodes meanwhile. */
export function sequenceDiagram(history: readonly HistoryEvent[], title: string): string {
    const lanes = lanesOf(history);
    const steps = shorten(stepsOf(history, lanes));
    const width = 2 * MARGIN + (lanes.size - 1) * COLUMN;
    const height = HEAD + (steps.length + 1) * ROW;
    const heads = [...lanes].map(
        ([name, x]) =>
            `<line class="lane" x1="${x}" y1="${HEAD - 12}" x2="${x}" y2="${height}"/><text class="head" x="${x}" y="18">${escapeText(name)}</text>`
    );
    return [
        `<svg class="sequence" xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
        `<title>${escapeText(title)}</title>`,
        ...heads,
        ...steps.map((step, index) => step.draw(HEAD + (index + 1) * ROW)),
        '</svg>'
    ].join('\n');
}

/** Where the lifelines are: the client, the nodes in the order of their names, and the store if something was done to it. */
function lanesOf(history: readonly HistoryEvent[]): Map<string, number> {
    const nodes = new Set<string>();
    let store = false;
    for (const event of history) {
        if (event.type === 'invoke' || (event.type === 'fault' && event.node !== undefined)) {
            nodes.add(event.node ?? '');
        } else if (event.type === 'response' && event.answeredBy !== undefined) {
            nodes.add(event.answeredBy);
        }
        store ||= event.type === 'fault' && event.fault.includes('store');
    }
    const names = ['client', ...[...nodes].sort(), ...(store ? ['store'] : [])];
    return new Map(names.map((name, index) => [name, MARGIN + index * COLUMN]));
}

function stepsOf(history: readonly HistoryEvent[], lanes: ReadonlyMap<string, number>): Step[] {
    const client = lanes.get('client') ?? MARGIN;
    /** Node of each request: at first where it was sent to, then who has answered it. */
    const nodeOf = new Map<number, number>();
    const steps: Step[] = [];
    for (const event of history) {
        switch (event.type) {
            case 'invoke': {
                const node = lanes.get(event.node) ?? client;
                nodeOf.set(event.op, node);
                steps.push(arrow(client, node, labelOfRequest(event), event.at, 'request'));
                break;
            }
            case 'response': {
                const node = lanes.get(event.answeredBy ?? '') ?? nodeOf.get(event.op) ?? client;
                nodeOf.set(event.op, node);
                steps.push(arrow(node, client, String(event.status), event.at, event.status >= 400 ? 'refusal' : 'response'));
                break;
            }
            case 'message':
                steps.push(arrow(nodeOf.get(event.op) ?? client, client, labelOfMessage(event.message), event.at, 'message'));
                break;
            case 'complete':
                if (event.outcome !== 'ok') {
                    steps.push(arrow(nodeOf.get(event.op) ?? client, client, `✕ ${event.outcome}`, event.at, 'broken'));
                }
                break;
            case 'fault': {
                const label = `${event.fault} ${event.phase === 'begin' ? 'begins' : 'ends'}`;
                const x = lanes.get(event.node ?? '') ?? (event.fault.includes('store') ? lanes.get('store') : undefined);
                steps.push(fault(x, label, event.at, Math.max(...lanes.values())));
                break;
            }
            case 'note':
                steps.push({ draw: y => `<text class="note" x="${client + 8}" y="${y}">${escapeText(shortened(event.text, 90))}</text>` });
        }
    }
    return steps;
}

function arrow(from: number, to: number, label: string, at: number, kind: string): Step {
    const direction = to >= from ? 1 : -1;
    const tip = `${to},0 ${to - 8 * direction},-4 ${to - 8 * direction},4`;
    return {
        draw: y =>
            `<g class="${kind}" transform="translate(0 ${y})"><title>${escapeText(`${at.toFixed(0)} ms: ${label}`)}</title>` +
            `<line x1="${from}" y1="0" x2="${to - 7 * direction}" y2="0"/><polygon points="${tip}"/>` +
            `<text x="${Math.min(from, to) + 14}" y="-5">${escapeText(shortened(label, LABEL_LENGTH))}</text></g>`
    };
}

/** @param x of the lifeline it happens to; without one it happens to all. */
function fault(x: number | undefined, label: string, at: number, right: number): Step {
    const [left, width] = x === undefined ? [MARGIN, right - MARGIN] : [x - 85, 170];
    return {
        draw: y =>
            `<g class="fault"><title>${escapeText(`${at.toFixed(0)} ms: ${label}`)}</title>` +
            `<rect x="${left}" y="${y - 16}" width="${width}" height="20" rx="4"/>` +
            `<text x="${left + width / 2}" y="${y - 2}">⚡ ${escapeText(shortened(label, 28))}</text></g>`
    };
}

function shorten(steps: readonly Step[]): readonly Step[] {
    const left = steps.length - FIRST_ROWS - LAST_ROWS;
    if (left <= 0) {
        return steps;
    }
    const gap: Step = {
        draw: y => `<text class="note" x="${MARGIN + 8}" y="${y}">… ${left} events are left out here; the trace has all …</text>`
    };
    return [...steps.slice(0, FIRST_ROWS), gap, ...steps.slice(-LAST_ROWS)];
}

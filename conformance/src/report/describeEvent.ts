import type { HistoryEvent } from '../history/historyEvent.ts';
import { shortened } from './markup.ts';

/** Longest part of a message that is shown. */
const MESSAGE_LENGTH = 400;

/** What a JSON-RPC message is, in a few words. */
export function labelOfMessage(message: unknown): string {
    if (typeof message !== 'object' || message === null) {
        return 'no message';
    }
    const id = 'id' in message && message.id !== undefined ? ` #${String(message.id)}` : '';
    if ('method' in message) {
        return `${String(message.method)}${id}`;
    }
    return `${'error' in message ? 'error' : 'result'}${id}`;
}

/** What an HTTP request brings, in a few words. */
export function labelOfRequest({ method, messages, lastEventId }: Extract<HistoryEvent, { type: 'invoke' }>): string {
    const what = messages?.map(labelOfMessage).join(', ') ?? (lastEventId === undefined ? '' : `from ${lastEventId}`);
    return `${method} ${what}`.trim();
}

/** A line of a trace, for people. */
export function describeEvent(event: HistoryEvent): string {
    const at = `${event.at.toFixed(0).padStart(6)} ms`;
    switch (event.type) {
        case 'invoke': {
            const messages = event.messages === undefined ? '' : ` ${shortened(JSON.stringify(event.messages), MESSAGE_LENGTH)}`;
            return `${at}  → ${event.node}  ${labelOfRequest(event)}  (request ${event.op}, session ${event.session ?? 'none'})${messages}`;
        }
        case 'response':
            return `${at}  ← ${event.answeredBy ?? '?'}  ${event.status}  (request ${event.op})`;
        case 'message':
            return `${at}  ←   ${event.eventId === undefined ? '' : `[${event.eventId}] `}${shortened(JSON.stringify(event.message), MESSAGE_LENGTH)}  (request ${event.op})`;
        case 'complete':
            return `${at}    request ${event.op}: ${event.outcome}${event.reason === undefined ? '' : `, ${event.reason}`}`;
        case 'fault':
            return `${at}  ! ${event.fault} ${event.phase === 'begin' ? 'begins' : 'ends'}${event.node === undefined ? '' : ` at ${event.node}`}`;
        case 'note':
            return `${at}  * ${event.text}`;
    }
}

/**
 * The lines of a trace. Of one that is too long to be read, only its beginning and its end.
 * @param atMost lines of each.
 */
export function traceOf(history: readonly HistoryEvent[], atMost: number): string {
    const left = history.length - 2 * atMost;
    const shown =
        left <= 0
            ? history.map(describeEvent)
            : [
                  ...history.slice(0, atMost).map(describeEvent),
                  `          … ${left} events are left out here; the JSON report has all …`,
                  ...history.slice(-atMost).map(describeEvent)
              ];
    return shown.join('\n');
}

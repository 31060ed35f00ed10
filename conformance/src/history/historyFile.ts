import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { CheckResult } from '../checks/check.ts';
import { describeError, UsageError } from '../errors.ts';
import type { HistoryEvent } from './historyEvent.ts';

const at = z.number();
const op = z.number().int();
const node = z.string().optional();

/** A line of a history file; see {@link HistoryEvent}. */
const historyEvent = z.discriminatedUnion('type', [
    z.object({
        type: z.literal('invoke'),
        at,
        op,
        // JSON leaves out what is undefined.
        session: z
            .string()
            .optional()
            .transform(session => session),
        node: z.string(),
        method: z.enum(['POST', 'GET', 'DELETE', 'PUT', 'PATCH', 'TRACE']),
        messages: z.array(z.unknown()).optional(),
        lastEventId: z.string().optional()
    }),
    z.object({ type: z.literal('response'), at, op, status: z.number().int(), answeredBy: node }),
    z.object({ type: z.literal('message'), at, op, eventId: z.string().optional(), message: z.unknown() }),
    z.object({
        type: z.literal('complete'),
        at,
        op,
        outcome: z.enum(['ok', 'failed', 'timeout', 'closed-by-client']),
        reason: z.string().optional()
    }),
    z.object({ type: z.literal('fault'), at, fault: z.string(), node, phase: z.enum(['begin', 'end']) }),
    z.object({ type: z.literal('note'), at, text: z.string() })
]);

/** A history as text, one event a line. */
export function formatHistory(events: readonly HistoryEvent[]): string {
    return events.map(event => `${JSON.stringify(event)}\n`).join('');
}

/** Reads what {@link formatHistory} has made. @throws {UsageError} naming the first line that is no event. */
export function parseHistory(text: string): HistoryEvent[] {
    return text.split('\n').flatMap((line, index) => {
        if (line.trim() === '') {
            return [];
        }
        try {
            return [toEvent(historyEvent.parse(JSON.parse(line)))];
        } catch (cause) {
            const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : describeError(cause);
            throw new UsageError(`Line ${index + 1} is no event of a history: ${reason}`, { cause });
        }
    });
}

/** Brings back the members that may be undefined but not absent. */
function toEvent(parsed: z.infer<typeof historyEvent>): HistoryEvent {
    switch (parsed.type) {
        case 'invoke': {
            const { messages, ...rest } = parsed;
            return { ...rest, session: parsed.session, ...(messages === undefined ? {} : { messages }) };
        }
        case 'response':
            return { ...parsed, answeredBy: parsed.answeredBy };
        case 'complete': {
            const { reason, ...rest } = parsed;
            return { ...rest, ...(reason === undefined ? {} : { reason }) };
        }
        default:
            return parsed;
    }
}

/** @throws {UsageError} if the file can't be read, or is no history. */
export async function readHistory(file: string): Promise<HistoryEvent[]> {
    let text: string;
    try {
        text = await readFile(file, 'utf8');
    } catch (cause) {
        throw new UsageError(`The history ${file} can't be read: ${describeError(cause)}`, { cause });
    }
    return parseHistory(text);
}

/** Writes the histories of workloads, and of what has failed, into a folder, which is made. @returns the paths of the files. */
export async function writeHistories(folder: string, results: readonly CheckResult[]): Promise<string[]> {
    const written = results.filter(({ id, outcome, history }) => history.length > 0 && (id.startsWith('workload.') || outcome === 'fail'));
    if (written.length > 0) {
        await mkdir(folder, { recursive: true });
    }
    return Promise.all(
        written.map(async ({ id, history }) => {
            const file = path.join(folder, `${id}.jsonl`);
            await writeFile(file, formatHistory(history));
            return file;
        })
    );
}

import { type Step } from './conversation.ts';
import { type Lane } from './lane.ts';
import { inWords } from './traffic.ts';

/** What became of a step in one lane. */
export interface Outcome {
    readonly ok: boolean;
    /** What happened, in a few words. */
    readonly detail: string;
    /** Why it failed. */
    readonly error?: unknown;
}

/** How long a step may take, in milliseconds. */
const DEADLINE_MS = 10_000;

/** Runs a step. It fails if it throws, if it takes too long, or if a node refuses any of its requests. */
export async function outcomeOf(step: Step, lane: Lane): Promise<Outcome> {
    lane.beginStep();
    try {
        const detail = await withinDeadline(step.run(lane));
        return { ok: lane.traffic.refused === undefined, detail: refusalIn(lane) ?? detail };
    } catch (error) {
        return { ok: false, detail: refusalIn(lane) ?? (error instanceof Error ? error.message : String(error)), error };
    }
}

function refusalIn({ traffic }: Lane): string | undefined {
    return traffic.refused && inWords(traffic.refused);
}

async function withinDeadline<T>(promise: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no end after ${DEADLINE_MS / 1_000} s`)), DEADLINE_MS);
    });
    try {
        return await Promise.race([promise, deadline]);
    } finally {
        clearTimeout(timer);
    }
}

import { AssertionError } from 'node:assert';
import type { CheckResult } from '../checks/check.ts';
import type { Deployment } from '../drivers/deployment.ts';
import { isResponsive } from '../drivers/readiness.ts';
import {
    ConnectionFailedError,
    describeError,
    FaultNotAvailableError,
    InconclusiveError,
    RequirementNotMetError,
    WaitedInVainError
} from '../errors.ts';
import { Recorder } from '../history/recorder.ts';
import { McpClient } from '../http/mcpClient.ts';
import type { Entry } from './plan.ts';
import { TrackedDeployment } from './trackedDeployment.ts';

const defaultTimeoutMs = 20_000;

export interface CheckRun {
    readonly result: CheckResult;
    /** Whether all nodes are as they were before. */
    readonly restored: boolean;
}

/** Runs one check and finds out what its end means. */
export async function runCheck(
    { requirement, check }: Entry,
    deployment: Deployment,
    { seed, scale, exclusive }: { readonly seed: number; readonly scale: number; readonly exclusive: boolean }
): Promise<CheckRun> {
    const recorder = new Recorder();
    const tracked = new TrackedDeployment(deployment, recorder, requirement.faults);
    const logsBefore = await Promise.all(deployment.nodes.map(node => node.logs()));
    const start = performance.now();
    const error = await errorOf(
        limit => {
            const client = new McpClient({ recorder, signal: limit });
            const note = (text: string) => recorder.record({ type: 'note', text });
            const run = check.run({ deployment: tracked, client, signal: limit, recorder, history: recorder.events, note, seed, scale });
            return run.finally(() => client.close());
        },
        (check.timeoutMs ?? defaultTimeoutMs) * (check.scales === true ? scale : 1)
    );
    const durationMs = Math.round(performance.now() - start);
    // What comes from now on belongs to no check.
    const history = [...recorder.events];
    const restored = !exclusive || (await tracked.restore());
    const verdict = error === undefined ? { outcome: 'pass' as const } : await judge(error, deployment);
    const failed = verdict.outcome === 'fail' || verdict.outcome === 'inconclusive';
    const logs = failed ? await logsSince(deployment, logsBefore) : undefined;
    return { result: { id: check.id, ...verdict, durationMs, history, ...(logs === undefined ? {} : { logs }) }, restored };
}

/** Runs an action that is told to end after a time, and given up if it does not. */
async function errorOf(action: (limit: AbortSignal) => Promise<void>, timeoutMs: number): Promise<{ readonly cause: unknown } | undefined> {
    const controller = new AbortController();
    const timedOut = new Promise<never>((_, reject) => {
        controller.signal.addEventListener('abort', () => reject(controller.signal.reason as Error));
    });
    const timer = setTimeout(() => controller.abort(new WaitedInVainError('the end of the check', timeoutMs)), timeoutMs);
    try {
        await Promise.race([action(controller.signal), timedOut]);
        return undefined;
    } catch (cause) {
        return { cause };
    } finally {
        clearTimeout(timer);
    }
}

/** What the end of a check means. */
async function judge({ cause }: { readonly cause: unknown }, deployment: Deployment): Promise<Pick<CheckResult, 'outcome' | 'reason'>> {
    const reason = describeError(cause);
    if (cause instanceof RequirementNotMetError || cause instanceof AssertionError || cause instanceof ConnectionFailedError) {
        return { outcome: 'fail', reason };
    }
    if (cause instanceof WaitedInVainError) {
        const responsive = await Promise.all(deployment.nodes.map(node => isResponsive(node.url)));
        const silent = deployment.nodes.filter((_, index) => !responsive[index]).map(node => node.id);
        return silent.length === 0
            ? { outcome: 'fail', reason }
            : { outcome: 'inconclusive', reason: `${reason}; nor did ${silent.join(', ')} give a sign of life` };
    }
    if (cause instanceof InconclusiveError) {
        return { outcome: 'inconclusive', reason };
    }
    if (cause instanceof FaultNotAvailableError) {
        return { outcome: 'not-run', reason };
    }
    const stack = cause instanceof Error ? (cause.stack ?? reason) : reason;
    return { outcome: 'inconclusive', reason: `The check itself has failed, which is a fault of the suite: ${stack}` };
}

async function logsSince(deployment: Deployment, before: readonly string[]): Promise<Record<string, string>> {
    const after = await Promise.all(deployment.nodes.map(node => node.logs()));
    return Object.fromEntries(deployment.nodes.map((node, index) => [node.id, (after[index] ?? '').slice(before[index]?.length ?? 0)]));
}

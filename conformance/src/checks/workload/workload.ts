import { RequirementNotMetError } from '../../errors.ts';
import { checkHistory } from '../../history/checkHistory.ts';
import type { HistoryEvent } from '../../history/historyEvent.ts';
import type { Fault } from '../../manifest/requirement.ts';
import { runNemesis } from '../../workload/nemesis.ts';
import { planWorkload } from '../../workload/plan.ts';
import { Random } from '../../workload/random.ts';
import { SessionClient } from '../../workload/sessionClient.ts';
import type { Check, CheckContext } from '../check.ts';
import { demand } from '../support/demands.ts';

const sessions = 5;
const steps = 14;
const timeoutMs = 120_000;
const shownViolations = 5;

async function runWorkload({ deployment, client, seed, scale, signal }: CheckContext, fault: Fault | undefined): Promise<void> {
    const plans = planWorkload(seed, { nodes: deployment.nodes.length, sessions, steps: steps * scale });
    const done = new AbortController();
    const nemesis =
        fault === undefined ? Promise.resolve() : runNemesis(deployment, fault, { random: new Random(seed + 1), scale, stop: done.signal });
    const clients = Promise.all(plans.map(plan => new SessionClient({ deployment, client, plan, signal }).run()));
    await Promise.all([clients.finally(() => done.abort()), nemesis]);
}

/** @throws {RequirementNotMetError} if there is something in a history that must not be. */
export function demandSoundHistory(events: readonly HistoryEvent[]): void {
    const violations = checkHistory(events);
    if (violations.length > 0) {
        const shown = violations.slice(0, shownViolations).map(({ rule, op, what }) => `${rule}: ${what} (operation ${op})`);
        const more = violations.length > shown.length ? `; and ${violations.length - shown.length} more` : '';
        throw new RequirementNotMetError(`${shown.join('; ')}${more}`);
    }
}

function workloadCheck(name: string, fault: Fault | undefined): Check {
    return {
        id: `workload.${name}`,
        timeoutMs,
        scales: true,
        async run(context) {
            await runWorkload(context, fault);
            const { history } = context;
            demand(history.length > 0, 'Nothing has happened');
            demandSoundHistory(history);
        }
    };
}

export const workloadChecks: readonly Check[] = [
    workloadCheck('undisturbed', undefined),
    workloadCheck('kills', 'kill-node'),
    workloadCheck('pauses', 'pause-node'),
    workloadCheck('cuts', 'cut-store'),
    workloadCheck('outages', 'stop-store'),
    workloadCheck('restarts', 'stop-node')
];

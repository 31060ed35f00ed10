import type { Deployment, NodeSettings } from '../drivers/deployment.ts';
import type { HistoryEvent } from '../history/historyEvent.ts';
import type { Recorder } from '../history/recorder.ts';
import type { McpClient } from '../http/mcpClient.ts';

/** What a check is given. Everything that it does over HTTP goes through `client`, which records it. */
export interface CheckContext {
    readonly deployment: Deployment;
    readonly client: McpClient;
    /** Ends the check when its time is over. */
    readonly signal: AbortSignal;
    /** What all random numbers are to come from, so that a run can be repeated. */
    readonly seed: number;
    /** How many times as much as usual a random workload does. */
    readonly scale: number;
    /** For what does not go through `client`: real clients, whose requests pass a proxy that records them. */
    readonly recorder: Recorder;
    /** What has happened so far in this check. */
    readonly history: readonly HistoryEvent[];
    note(text: string): void;
}

/**
 * Shows that a deployment meets one requirement.
 *
 * Throws `RequirementNotMetError` (or an assertion error) if it does not, `InconclusiveError` if that could not be found out.
 */
export interface Check {
    /** Id of its requirement. */
    readonly id: string;
    /** Settings of the nodes. Checks with equal settings and no faults share a deployment and run side by side. Default: none. */
    readonly settings?: NodeSettings;
    /** Whether a server that does not conform may be hung or ended by it. Then no other check runs on the deployment at the same time. */
    readonly harmful?: boolean;
    /** Whether it needs the deployment for itself, for instance since it counts on the turns that the proxy takes. */
    readonly exclusive?: boolean;
    /** Longest time that it may take, in milliseconds, and a workload at the scale of 1. Default: 20,000. */
    readonly timeoutMs?: number;
    /** Whether it does as many times as much as the run's scale says. Default: false. */
    readonly scales?: boolean;
    run(context: CheckContext): Promise<void>;
}

export type Outcome = 'pass' | 'fail' | 'inconclusive' | 'not-run' | 'not-applicable';

/** What came of one check. */
export interface CheckResult {
    readonly id: string;
    readonly outcome: Outcome;
    /** Why, unless it passed. */
    readonly reason?: string;
    readonly durationMs: number;
    /** What happened, for the diagram of the report. */
    readonly history: readonly HistoryEvent[];
    /** What the nodes have written meanwhile, if the check failed. */
    readonly logs?: Readonly<Record<string, string>>;
}

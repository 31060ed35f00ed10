import type { DeployedNode, Deployment } from '../drivers/deployment.ts';
import { becomesReady } from '../drivers/readiness.ts';
import { FaultNotAvailableError } from '../errors.ts';
import type { Recorder } from '../history/recorder.ts';
import type { Fault } from '../manifest/requirement.ts';

const recoveryTimeoutMs = 20_000;

/**
 * A deployment as one check sees it: what is done to it is written into the check's history, can be undone afterwards, and is limited
 * to the faults that the requirement declares.
 */
export class TrackedDeployment implements Deployment {
    readonly nodes: readonly TrackedNode[];
    readonly faults: ReadonlySet<Fault>;
    private readonly deployment: Deployment;
    private readonly recorder: Recorder;
    private storeStopped = false;

    constructor(deployment: Deployment, recorder: Recorder, faults: readonly Fault[]) {
        this.deployment = deployment;
        this.recorder = recorder;
        this.faults = new Set(faults.filter(fault => deployment.faults.has(fault)));
        this.nodes = deployment.nodes.map(node => new TrackedNode(node, recorder, this.faults));
    }

    get proxyUrl(): string | undefined {
        return this.deployment.proxyUrl;
    }

    async stopStore(): Promise<void> {
        demand(this.faults, 'stop-store');
        this.recorder.record({ type: 'fault', fault: 'stop-store', phase: 'begin' });
        this.storeStopped = true;
        await this.deployment.stopStore();
    }

    async startStore(): Promise<void> {
        demand(this.faults, 'stop-store');
        await this.deployment.startStore();
        this.storeStopped = false;
        this.recorder.record({ type: 'fault', fault: 'stop-store', phase: 'end' });
    }

    /** The deployment belongs to the runner. */
    close(): Promise<void> {
        return Promise.resolve();
    }

    /** Undoes what was done, and resolves to whether all nodes are ready after it. */
    async restore(): Promise<boolean> {
        try {
            if (this.storeStopped) {
                await this.startStore();
            }
            for (const node of this.nodes) {
                await node.restore();
            }
        } catch {
            return false;
        }
        const ready = await Promise.all(this.nodes.map(node => becomesReady(() => node.url, recoveryTimeoutMs)));
        return ready.every(Boolean);
    }
}

class TrackedNode implements DeployedNode {
    readonly id: string;
    private readonly node: DeployedNode;
    private readonly recorder: Recorder;
    private readonly faults: ReadonlySet<Fault>;
    private ended = false;
    private paused = false;
    private cut = false;

    constructor(node: DeployedNode, recorder: Recorder, faults: ReadonlySet<Fault>) {
        this.id = node.id;
        this.node = node;
        this.recorder = recorder;
        this.faults = faults;
    }

    get url(): string {
        return this.node.url;
    }

    async kill(): Promise<void> {
        this.begin('kill-node');
        this.ended = true;
        await this.node.kill();
    }

    async start(): Promise<void> {
        await this.node.start();
        this.ended = false;
        this.end('start-node');
    }

    async stop(): Promise<{ readonly exitCode: number | undefined }> {
        this.begin('stop-node');
        this.ended = true;
        return this.node.stop();
    }

    async pause(): Promise<void> {
        this.begin('pause-node');
        this.paused = true;
        await this.node.pause();
    }

    async resume(): Promise<void> {
        await this.node.resume();
        this.paused = false;
        this.end('pause-node');
    }

    async cutStore(): Promise<void> {
        this.begin('cut-store');
        this.cut = true;
        await this.node.cutStore();
    }

    async joinStore(): Promise<void> {
        await this.node.joinStore();
        this.cut = false;
        this.end('cut-store');
    }

    logs(): Promise<string> {
        return this.node.logs();
    }

    async restore(): Promise<void> {
        if (this.cut) {
            await this.joinStore();
        }
        if (this.paused) {
            await this.resume();
        }
        if (this.ended) {
            await this.start();
        }
    }

    private begin(fault: Fault): void {
        demand(this.faults, fault);
        this.recorder.record({ type: 'fault', fault, node: this.id, phase: 'begin' });
    }

    private end(fault: string): void {
        this.recorder.record({ type: 'fault', fault, node: this.id, phase: 'end' });
    }
}

function demand(faults: ReadonlySet<Fault>, fault: Fault): void {
    if (!faults.has(fault)) {
        throw new FaultNotAvailableError(fault, 'either the deployment can not do it, or the requirement does not declare it');
    }
}

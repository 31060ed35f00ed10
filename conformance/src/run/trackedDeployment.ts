import type { DeployedNode, Deployment } from '../drivers/deployment.ts';
import { becomesReady } from '../drivers/readiness.ts';
import { FaultNotAvailableError, HarnessError } from '../errors.ts';
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
    private readonly deeds: Deeds;
    private storeStopped = false;

    constructor(deployment: Deployment, recorder: Recorder, faults: readonly Fault[]) {
        this.deployment = deployment;
        this.faults = new Set(faults.filter(fault => deployment.faults.has(fault)));
        this.deeds = new Deeds(recorder, this.faults);
        this.nodes = deployment.nodes.map(node => new TrackedNode(node, this.deeds));
    }

    get proxyUrl(): string | undefined {
        return this.deployment.proxyUrl;
    }

    stopStore(): Promise<void> {
        return this.deeds.begin('stop-store', undefined, () => {
            this.storeStopped = true;
            return this.deployment.stopStore();
        });
    }

    startStore(): Promise<void> {
        return this.deeds.end('stop-store', undefined, () => this.restoreStore());
    }

    /** The deployment belongs to the runner. */
    close(): Promise<void> {
        return Promise.resolve();
    }

    /** Waits for what the check is still doing, undoes what it has done, and resolves to whether all nodes are ready after it. */
    async restore(): Promise<boolean> {
        await this.deeds.close();
        try {
            if (this.storeStopped) {
                await this.restoreStore();
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

    private async restoreStore(): Promise<void> {
        await this.deployment.startStore();
        this.storeStopped = false;
    }
}

/** What one check does to nodes and the store. */
class Deeds {
    private readonly recorder: Recorder;
    private readonly allowed: ReadonlySet<Fault>;
    private readonly underWay = new Set<Promise<unknown>>();
    private isClosed = false;

    constructor(recorder: Recorder, allowed: ReadonlySet<Fault>) {
        this.recorder = recorder;
        this.allowed = allowed;
    }

    /** @throws {FaultNotAvailableError} */
    begin<T>(fault: Fault, node: string | undefined, action: () => Promise<T>): Promise<T> {
        if (!this.allowed.has(fault)) {
            const why = 'either the deployment can not do it, or the requirement does not declare it';
            return Promise.reject(new FaultNotAvailableError(fault, why));
        }
        return this.perform(() => {
            this.record(fault, node, 'begin');
            return action();
        });
    }

    end(fault: Fault, node: string | undefined, action: () => Promise<void>): Promise<void> {
        return this.perform(async () => {
            await action();
            this.record(fault, node, 'end');
        });
    }

    /** A check that has ended may still have something under way, and may not begin anything more: the nodes are for others now. */
    async close(): Promise<void> {
        this.isClosed = true;
        await Promise.allSettled([...this.underWay]);
    }

    private async perform<T>(action: () => Promise<T>): Promise<T> {
        if (this.isClosed) {
            throw new HarnessError('The check has ended; it can do nothing more to the nodes');
        }
        const deed = action();
        this.underWay.add(deed);
        try {
            return await deed;
        } finally {
            this.underWay.delete(deed);
        }
    }

    private record(fault: Fault, node: string | undefined, phase: 'begin' | 'end'): void {
        this.recorder.record({ type: 'fault', fault, phase, ...(node === undefined ? {} : { node }) });
    }
}

class TrackedNode implements DeployedNode {
    readonly id: string;
    private readonly node: DeployedNode;
    private readonly deeds: Deeds;
    private ended: Fault | undefined;
    private paused = false;
    private cut = false;

    constructor(node: DeployedNode, deeds: Deeds) {
        this.id = node.id;
        this.node = node;
        this.deeds = deeds;
    }

    get url(): string {
        return this.node.url;
    }

    kill(): Promise<void> {
        return this.deeds.begin('kill-node', this.id, () => {
            this.ended = 'kill-node';
            return this.node.kill();
        });
    }

    start(): Promise<void> {
        return this.deeds.end(this.ended ?? 'kill-node', this.id, () => this.startAgain());
    }

    stop(): Promise<{ readonly exitCode: number | undefined }> {
        return this.deeds.begin('stop-node', this.id, () => {
            this.ended = 'stop-node';
            return this.node.stop();
        });
    }

    pause(): Promise<void> {
        return this.deeds.begin('pause-node', this.id, () => {
            this.paused = true;
            return this.node.pause();
        });
    }

    resume(): Promise<void> {
        return this.deeds.end('pause-node', this.id, () => this.runAgain());
    }

    cutStore(): Promise<void> {
        return this.deeds.begin('cut-store', this.id, () => {
            this.cut = true;
            return this.node.cutStore();
        });
    }

    joinStore(): Promise<void> {
        return this.deeds.end('cut-store', this.id, () => this.joinAgain());
    }

    logs(): Promise<string> {
        return this.node.logs();
    }

    /** Undoes what is left to be undone. */
    async restore(): Promise<void> {
        if (this.cut) {
            await this.joinAgain();
        }
        if (this.paused) {
            await this.runAgain();
        }
        if (this.ended !== undefined) {
            await this.startAgain();
        }
    }

    private async startAgain(): Promise<void> {
        await this.node.start();
        this.ended = undefined;
    }

    private async runAgain(): Promise<void> {
        await this.node.resume();
        this.paused = false;
    }

    private async joinAgain(): Promise<void> {
        await this.node.joinStore();
        this.cut = false;
    }
}

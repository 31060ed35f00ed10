import { FaultNotAvailableError, HarnessError } from '../errors.ts';
import type { Fault } from '../manifest/requirement.ts';
import type { RemoteTarget } from '../targets/target.ts';
import type { DeployedNode, Deployment, Driver } from './deployment.ts';
import { nodeName } from './nodeEnvironment.ts';
import { isResponsive } from './readiness.ts';

/** Nodes that somebody else runs: they can be talked to, and nothing else. */
export class UrlDriver implements Driver {
    readonly name = 'url';
    readonly faults: ReadonlySet<Fault> = new Set();
    private readonly target: RemoteTarget;

    constructor(target: RemoteTarget) {
        this.target = target;
    }

    async start(count: number): Promise<Deployment> {
        const nodes = this.target.urls.slice(0, count).map((url, index) => new RemoteNode(nodeName(index), url));
        for (const { url } of nodes) {
            if (!(await isResponsive(url))) {
                throw new HarnessError(`Nothing answers at ${url}, which target ${this.target.name} names`);
            }
        }
        return {
            nodes,
            faults: this.faults,
            proxyUrl: this.target.proxyUrl,
            stopStore: () => refuse('stop-store'),
            startStore: () => refuse('stop-store'),
            close: () => Promise.resolve()
        };
    }
}

class RemoteNode implements DeployedNode {
    readonly id: string;
    readonly url: string;

    constructor(id: string, url: string) {
        this.id = id;
        this.url = url;
    }

    kill(): Promise<void> {
        return refuse('kill-node');
    }

    start(): Promise<void> {
        return refuse('kill-node');
    }

    stop(): Promise<{ readonly exitCode: number | undefined }> {
        return refuse('stop-node');
    }

    pause(): Promise<void> {
        return refuse('pause-node');
    }

    resume(): Promise<void> {
        return refuse('pause-node');
    }

    cutStore(): Promise<void> {
        return refuse('cut-store');
    }

    joinStore(): Promise<void> {
        return refuse('cut-store');
    }

    logs(): Promise<string> {
        return Promise.resolve('');
    }
}

function refuse(fault: Fault): Promise<never> {
    return Promise.reject(new FaultNotAvailableError(fault, 'the nodes were not started by the suite'));
}

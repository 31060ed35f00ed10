import { type ContainerNode, ContainerCluster } from '../cluster/containerCluster.ts';
import { describeError, HarnessError, RequirementNotMetError, UsageError } from '../errors.ts';
import type { Fault } from '../manifest/requirement.ts';
import type { LaunchedTarget } from '../targets/target.ts';
import type { DeployedNode, Deployment, Driver, NodeSettings } from './deployment.ts';
import { settingsEnvironment } from './nodeEnvironment.ts';

/** Images that containers of a deployment are made of. */
export interface ContainerImages {
    /** The server under test. */
    readonly server: string;
    /** Replaces what that image runs by itself. */
    readonly command?: readonly string[];
    readonly redis: string;
    /** The nginx that stands before the nodes. */
    readonly proxy: string;
}

const nodeFaults: readonly Fault[] = ['kill-node', 'pause-node', 'stop-node', 'configure'];
const storeFaults: readonly Fault[] = ['cut-store', 'stop-store'];
const logLines = 5_000;

/** Runs nodes in containers. */
export class ContainerDriver implements Driver {
    readonly name = 'container';
    readonly faults: ReadonlySet<Fault>;
    private readonly target: LaunchedTarget;
    private readonly images: ContainerImages;

    /** @throws {UsageError} if the target's store can't be had in containers. */
    constructor(target: LaunchedTarget, images: ContainerImages) {
        if (target.store !== 'memory' && target.store !== 'redis') {
            throw new UsageError(
                `Containers can share redis only, or nothing (memory). Run target ${target.name} with \`--driver process\``
            );
        }
        this.target = target;
        this.images = images;
        this.faults = new Set([...nodeFaults, ...(target.store === 'redis' ? storeFaults : [])]);
    }

    async start(count: number, settings: NodeSettings): Promise<Deployment> {
        const { environment, store } = this.target;
        const { server, command, redis, proxy } = this.images;
        let cluster: ContainerCluster;
        try {
            cluster = await ContainerCluster.start({
                image: server,
                ...(command === undefined ? {} : { command }),
                nodes: count,
                environment: { ...environment, ...settingsEnvironment(settings) },
                proxyImage: proxy,
                ...(store === 'redis' ? { redisImage: redis } : {})
            });
        } catch (cause) {
            throw new HarnessError(`Target ${this.target.name} could not be started in containers: ${describeError(cause)}`, { cause });
        }
        return {
            nodes: cluster.nodes.map(node => new NodeInContainer(node)),
            faults: this.faults,
            proxyUrl: cluster.proxyUrl,
            stopStore: () => cluster.store.stop(),
            startStore: () => cluster.store.start(),
            close: () => cluster.close()
        };
    }
}

class NodeInContainer implements DeployedNode {
    readonly id: string;
    private readonly node: ContainerNode;

    constructor(node: ContainerNode) {
        this.id = node.id;
        this.node = node;
    }

    get url(): string {
        return this.node.url;
    }

    kill(): Promise<void> {
        return this.node.kill();
    }

    async start(): Promise<void> {
        try {
            await this.node.start();
        } catch (cause) {
            throw new RequirementNotMetError(`${this.id} was started again and did not become ready: ${describeError(cause)}`, { cause });
        }
    }

    stop(): Promise<{ readonly exitCode: number | undefined }> {
        return this.node.stop();
    }

    pause(): Promise<void> {
        return this.node.container.pause();
    }

    resume(): Promise<void> {
        return this.node.container.unpause();
    }

    cutStore(): Promise<void> {
        return this.node.container.disconnect();
    }

    joinStore(): Promise<void> {
        return this.node.container.connect();
    }

    logs(): Promise<string> {
        return this.node.container.logs(logLines);
    }
}

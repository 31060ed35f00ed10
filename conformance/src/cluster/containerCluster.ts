import { Wait } from 'testcontainers';
import { ContainerGroup } from '../docker/containerGroup.ts';
import { ManagedContainer } from '../docker/managedContainer.ts';
import { type ClusterNode, mcpUrl, nodeStartTimeoutMs, untilReady } from './clusterNode.ts';
import { startRoundRobinNginx } from './roundRobinNginx.ts';

export interface ContainerClusterOptions {
    /** Image that honours the contract of fixture servers. */
    readonly image: string;
    /** Replaces the image's own command. */
    readonly command?: readonly string[];
    /** Further variables for every node. */
    readonly environment?: Readonly<Record<string, string>>;
    /** Default: 3 */
    readonly nodes?: number;
    /** Image of the Redis that the nodes share. Default: they share nothing and get `STORE_URL=memory:`. */
    readonly redisImage?: string;
    /** Image of the nginx that sends requests to the nodes in turn. Default: there is none. */
    readonly proxyImage?: string;
}

const nodePort = 8080;
const redisPort = 6379;
const storeStartTimeoutMs = 30_000;
/** Servers have 15 seconds to drain; some more shows that one took too long rather than cutting it off. */
const stopGraceSeconds = 20;

/** A node in a container. */
export class ContainerNode implements ClusterNode {
    readonly id: string;
    readonly container: ManagedContainer;
    private currentUrl: string;

    constructor(id: string, container: ManagedContainer, port: number) {
        this.id = id;
        this.container = container;
        this.currentUrl = mcpUrl(port);
    }

    get url(): string {
        return this.currentUrl;
    }

    /** Sends SIGTERM and waits for the end. */
    stop(): Promise<{ readonly exitCode: number }> {
        return this.container.stop(stopGraceSeconds);
    }

    /** Ends the node at once, without any chance to say goodbye. */
    async kill(): Promise<void> {
        await this.container.signal('SIGKILL');
        await this.container.ended();
    }

    /** Starts a node that has ended, under the same name, and waits until it is ready. Its {@link url} is another one then. */
    async start(): Promise<void> {
        await this.container.start();
        this.currentUrl = mcpUrl(await this.container.hostPort());
        await untilReady(this);
    }
}

/** The store that nodes share, in a container. It keeps its data over a stop or kill. */
export class ContainerStore {
    readonly container: ManagedContainer;

    constructor(container: ManagedContainer) {
        this.container = container;
    }

    async stop(): Promise<void> {
        await this.container.stop(stopGraceSeconds);
    }

    /** Starts the store again. It is ready when nodes say that they are. */
    async start(): Promise<void> {
        await this.container.start();
    }
}

interface Parts {
    readonly nodes: readonly ContainerNode[];
    readonly store: ContainerStore | undefined;
    readonly proxyUrl: string | undefined;
}

/** Several nodes of one server in containers, with what they share and what stands before them. */
export class ContainerCluster {
    private readonly group: ContainerGroup;
    private readonly parts: Parts;

    private constructor(group: ContainerGroup, parts: Parts) {
        this.group = group;
        this.parts = parts;
    }

    /** Starts everything and waits until all nodes are ready. What was started is removed if anything fails. */
    static async start(options: ContainerClusterOptions): Promise<ContainerCluster> {
        const group = await ContainerGroup.create();
        try {
            return new ContainerCluster(group, await startParts(group, options));
        } catch (error) {
            await group.remove();
            throw error;
        }
    }

    get nodes(): readonly ContainerNode[] {
        return this.parts.nodes;
    }

    /** The node with the given index, from 0. */
    node(index: number): ContainerNode {
        const node = this.nodes[index];
        if (node === undefined) {
            throw new RangeError(`There is no node ${index} among ${this.nodes.length}`);
        }
        return node;
    }

    get store(): ContainerStore {
        if (this.parts.store === undefined) {
            throw new Error('This cluster was started without a store');
        }
        return this.parts.store;
    }

    /** MCP endpoint of the proxy. */
    get proxyUrl(): string {
        if (this.parts.proxyUrl === undefined) {
            throw new Error('This cluster was started without a proxy');
        }
        return this.parts.proxyUrl;
    }

    /** Removes all containers and the network. */
    async close(): Promise<void> {
        await this.group.remove();
    }
}

async function startParts(
    group: ContainerGroup,
    { image, command, environment = {}, nodes: count = 3, redisImage, proxyImage }: ContainerClusterOptions
): Promise<Parts> {
    const store = redisImage === undefined ? undefined : new ContainerStore(await startRedis(group, redisImage));
    const storeUrl = store === undefined ? 'memory:' : `redis://store:${redisPort}/0`;
    const planned = Array.from({ length: count }, (_, index) => ({ id: `node-${index + 1}`, address: group.newAddress() }));
    const nodes = await Promise.all(
        planned.map(async ({ id, address }) => {
            const container = await ManagedContainer.start(group, {
                image,
                command,
                environment: { ...environment, PORT: String(nodePort), NODE_ID: id, STORE_URL: storeUrl },
                alias: id,
                address,
                port: nodePort,
                readyWhen: Wait.forHttp('/healthz', nodePort, { abortOnContainerExit: true }),
                startTimeoutMs: nodeStartTimeoutMs
            });
            return new ContainerNode(id, container, await container.hostPort());
        })
    );
    const endpoints = planned.map(({ address }) => `${address}:${nodePort}`);
    const proxy = proxyImage === undefined ? undefined : await startRoundRobinNginx(group, proxyImage, endpoints);
    return { nodes, store, proxyUrl: proxy === undefined ? undefined : mcpUrl(await proxy.hostPort()) };
}

function startRedis(group: ContainerGroup, image: string): Promise<ManagedContainer> {
    return ManagedContainer.start(group, {
        image,
        command: ['redis-server', '--bind', '0.0.0.0', '--protected-mode', 'no', '--dir', '/data', '--appendonly', 'yes', '--save', ''],
        alias: 'store',
        address: group.newAddress(),
        port: redisPort,
        readyWhen: Wait.forLogMessage(/Ready to accept connections/),
        startTimeoutMs: storeStartTimeoutMs
    });
}

import { Connection } from './client/connection.ts';
import { installMcpUse } from './mcpUse.ts';
import { ServerHandle } from './serverHandle.ts';
import { type Places, type TargetName, targets } from './targets.ts';

export interface ClusterOptions {
    readonly target: TargetName;
    readonly json: boolean;
    /** Default: 1. */
    readonly nodes?: number;
    /** Replaces the store of the target. */
    readonly storeUrl?: string | undefined;
    readonly liveSessionIdleMs?: number;
    readonly nodeOptions?: readonly string[];
}

/** One or more nodes of a target, and connections to them. */
export class Cluster {
    readonly nodes: readonly ServerHandle[];
    private readonly connections: Connection[] = [];

    private constructor(nodes: readonly ServerHandle[]) {
        this.nodes = nodes;
    }

    static async start(places: Places, options: ClusterOptions): Promise<Cluster> {
        const { target, json, nodes = 1, storeUrl, liveSessionIdleMs, nodeOptions } = options;
        if (target === 'mcp-use') {
            await installMcpUse();
        }
        const wanted = targets[target].setup(places);
        const setup = { ...wanted, json, liveSessionIdleMs, storeUrl: storeUrl ?? wanted.storeUrl };
        const started: ServerHandle[] = [];
        for (let node = 0; node < nodes; node++) {
            started.push(await ServerHandle.start(setup, nodeOptions));
        }
        return new Cluster(started);
    }

    /** A new connection. @param node counted from 0, and on from the first after the last. */
    connect(node: number): Connection {
        const connection = new Connection(this.node(node).port);
        this.connections.push(connection);
        return connection;
    }

    node(index: number): ServerHandle {
        const node = this.nodes[index % this.nodes.length];
        if (node === undefined) {
            throw new RangeError('A cluster has at least one node');
        }
        return node;
    }

    /** CPU time of all nodes together, in microseconds. */
    async cpuUs(): Promise<number> {
        const times = await Promise.all(this.nodes.map(node => node.cpuUs()));
        return times.reduce((sum, time) => sum + time, 0);
    }

    async stop(): Promise<void> {
        await Promise.all(this.connections.map(connection => connection.close()));
        await Promise.all(this.nodes.map(node => node.stop()));
    }
}

import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { type ClusterNode, mcpUrl, untilReady } from './clusterNode.ts';

export interface ProcessClusterOptions {
    /** TypeScript or JavaScript file of a server that honours the contract of fixture servers. */
    readonly script: string;
    /** Default: 3 */
    readonly nodes?: number;
    readonly storeUrl: string;
    /** Further variables for every node. */
    readonly environment?: Readonly<Record<string, string>>;
}

/** A node that is a process of this machine. */
export class ProcessNode implements ClusterNode {
    readonly id: string;
    readonly url: string;
    private readonly child: ChildProcess;
    private readonly exit: Promise<{ readonly exitCode: number | null }>;
    private output = '';

    private constructor(id: string, url: string, child: ChildProcess) {
        this.id = id;
        this.url = url;
        this.child = child;
        this.exit = new Promise(resolve => child.once('close', exitCode => resolve({ exitCode })));
        for (const stream of [child.stdout, child.stderr]) {
            stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
        }
    }

    /** Starts a process, which is not ready yet. */
    static spawn(id: string, port: number, { script, storeUrl, environment }: ProcessClusterOptions): ProcessNode {
        const env = { ...process.env, ...environment, HOST: '127.0.0.1', PORT: String(port), NODE_ID: id, STORE_URL: storeUrl };
        const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'pipe'] });
        return new ProcessNode(id, mcpUrl(port), child);
    }

    /** Resolves when the node is ready. @throws {Error} with what it wrote if it ends before. */
    async untilReady(): Promise<void> {
        const ended = this.ended().then(({ exitCode }) => {
            throw new Error(`${this.id} ended with ${exitCode ?? 'a signal'} before it was ready:\n${this.output}`);
        });
        await Promise.race([untilReady(this), ended]);
    }

    /** Sends SIGTERM and waits for the end. */
    async stop(): Promise<{ readonly exitCode: number | null }> {
        this.child.kill('SIGTERM');
        return this.ended();
    }

    /** Ends the node at once. */
    async kill(): Promise<void> {
        this.child.kill('SIGKILL');
        await this.ended();
    }

    /** Resolves when the process has ended. Its exit code is `null` if a signal ended it. */
    ended(): Promise<{ readonly exitCode: number | null }> {
        return this.exit;
    }

    /** What the process has written so far. */
    logs(): string {
        return this.output;
    }
}

/** Several nodes of one server as processes of this machine, for tests that need no container. */
export class ProcessCluster {
    readonly nodes: readonly ProcessNode[];

    private constructor(nodes: readonly ProcessNode[]) {
        this.nodes = nodes;
    }

    /** Starts the nodes and waits until all are ready. None is left if one fails. */
    static async start(options: ProcessClusterOptions): Promise<ProcessCluster> {
        const ports = await freePorts(options.nodes ?? 3);
        const cluster = new ProcessCluster(ports.map((port, index) => ProcessNode.spawn(`node-${index + 1}`, port, options)));
        try {
            await Promise.all(cluster.nodes.map(node => node.untilReady()));
            return cluster;
        } catch (error) {
            await cluster.close();
            throw error;
        }
    }

    /** The node with the given index, from 0. */
    node(index: number): ProcessNode {
        const node = this.nodes[index];
        if (node === undefined) {
            throw new RangeError(`There is no node ${index} among ${this.nodes.length}`);
        }
        return node;
    }

    /** Ends all nodes at once. */
    async close(): Promise<void> {
        await Promise.all(this.nodes.map(node => node.kill()));
    }
}

/** Ports that nobody listens on now. */
async function freePorts(count: number): Promise<number[]> {
    const servers = await Promise.all(
        Array.from({ length: count }, async () => {
            const server = createServer();
            await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
            return server;
        })
    );
    const ports = servers.map(server => {
        const address = server.address();
        if (address === null || typeof address === 'string') {
            throw new Error('A server listens on no TCP port');
        }
        return address.port;
    });
    await Promise.all(servers.map(server => new Promise<void>(resolve => server.close(() => resolve()))));
    return ports;
}

import { type ChildProcess, spawn } from 'node:child_process';
import { type ClusterNode, mcpUrl, untilReady } from './clusterNode.ts';

export interface ProcessClusterOptions {
    /**
     * TypeScript or JavaScript file of one of the fixture servers. They choose a port themselves, and tell which, if `PORT` is 0. A port
     * that is chosen for them might be taken by somebody else before they listen on it.
     */
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
    private readonly child: ChildProcess;
    private readonly exit: Promise<{ readonly exitCode: number | null }>;
    private readonly listening: Promise<number>;
    private output = '';
    private port: number | undefined;

    private constructor(id: string, child: ChildProcess) {
        this.id = id;
        this.child = child;
        this.exit = new Promise(resolve => child.once('close', exitCode => resolve({ exitCode })));
        this.listening = new Promise(resolve => {
            for (const stream of [child.stdout, child.stderr]) {
                stream?.setEncoding('utf8').on('data', (text: string) => {
                    this.output += text;
                    const port = /listens on port (\d+)\n/.exec(this.output)?.[1];
                    if (port !== undefined) {
                        resolve(Number(port));
                    }
                });
            }
        });
    }

    /** Starts a process, which is not ready yet. */
    static spawn(id: string, { script, storeUrl, environment }: ProcessClusterOptions): ProcessNode {
        const env = { ...process.env, ...environment, HOST: '127.0.0.1', PORT: '0', NODE_ID: id, STORE_URL: storeUrl };
        return new ProcessNode(id, spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'pipe'] }));
    }

    /** Known once the node {@link untilReady is ready}. */
    get url(): string {
        if (this.port === undefined) {
            throw new Error(`${this.id} does not listen yet`);
        }
        return mcpUrl(this.port);
    }

    /** Resolves when the node is ready. @throws {Error} with what it wrote if it ends before. */
    async untilReady(): Promise<void> {
        const ended = this.ended().then(({ exitCode }) => {
            throw new Error(`${this.id} ended with ${exitCode ?? 'a signal'} before it was ready:\n${this.output}`);
        });
        this.port = await Promise.race([this.listening, ended]);
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
        const names = Array.from({ length: options.nodes ?? 3 }, (_, index) => `node-${index + 1}`);
        const cluster = new ProcessCluster(names.map(name => ProcessNode.spawn(name, options)));
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

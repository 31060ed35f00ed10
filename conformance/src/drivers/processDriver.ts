import { CommandError, run } from '../docker/command.ts';
import { RoundRobinProxy } from '../http/roundRobinProxy.ts';
import type { Fault } from '../manifest/requirement.ts';
import type { LaunchedTarget } from '../targets/target.ts';
import { HarnessError, UsageError } from '../errors.ts';
import type { DeployedNode, Deployment, Driver, NodeSettings } from './deployment.ts';
import { nodeName, settingsEnvironment } from './nodeEnvironment.ts';
import { freePort } from './process/freePort.ts';
import { ProcessNode } from './process/processNode.ts';
import { openProcessStore, type ProcessStore } from './process/processStore.ts';

const processFaults: readonly Fault[] = ['kill-node', 'pause-node', 'stop-node', 'configure'];
const storeFaults: readonly Fault[] = ['cut-store', 'stop-store'];
const prepareTimeoutMs = 300_000;

/** Runs nodes as processes of this machine, for whoever has no Docker, and for speed. */
export class ProcessDriver implements Driver {
    readonly name = 'process';
    readonly faults: ReadonlySet<Fault>;
    private readonly target: LaunchedTarget;
    private readonly command: readonly string[];
    private prepared: Promise<void> | undefined;

    /** @throws {UsageError} if the target has no command. */
    constructor(target: LaunchedTarget) {
        if (target.command === undefined) {
            throw new UsageError(`Target ${target.name} names no command, so it can't be run as processes; use \`--driver container\``);
        }
        const [file, ...args] = target.command;
        // The Node that runs the suite also runs servers, whatever else is installed.
        this.command = file === 'node' ? [process.execPath, ...args] : target.command;
        this.target = target;
        this.faults = new Set([...processFaults, ...(['memory', 'sqlite'].includes(target.store) ? [] : storeFaults)]);
    }

    async start(count: number, settings: NodeSettings): Promise<Deployment> {
        this.prepared ??= this.prepare();
        await this.prepared;
        const store = await openProcessStore(this.target.store);
        const nodes: ProcessNode[] = [];
        const close = async () => {
            await Promise.all(nodes.map(node => node.kill()));
            await store.close();
        };
        try {
            for (let index = 0; index < count; index++) {
                nodes.push(await this.prepareNode(nodeName(index), store, settings));
            }
            await Promise.all(nodes.map(node => node.launch()));
            const proxy = await RoundRobinProxy.start(nodes.map(node => node.url));
            return new ProcessDeployment({ nodes, store, proxyUrl: proxy.url, faults: this.faults }, async () => {
                await proxy.close();
                await close();
            });
        } catch (error) {
            await close();
            throw error;
        }
    }

    private async prepare(): Promise<void> {
        const [file, ...args] = this.target.prepare ?? [];
        if (file === undefined) {
            return;
        }
        try {
            await run(file, args, { cwd: this.target.folder, timeoutMs: prepareTimeoutMs });
        } catch (cause) {
            if (cause instanceof CommandError) {
                throw new HarnessError(`Target ${this.target.name} could not be prepared: ${cause.message}`, { cause });
            }
            throw cause;
        }
    }

    private async prepareNode(id: string, store: ProcessStore, settings: NodeSettings): Promise<ProcessNode> {
        const { environment, folder } = this.target;
        const [port, { storeUrl, gate }] = await Promise.all([freePort(), store.connectNode()]);
        return new ProcessNode({
            id,
            port,
            command: this.command,
            cwd: folder,
            environment: {
                ...environment,
                ...settingsEnvironment(settings),
                HOST: '127.0.0.1',
                PORT: String(port),
                NODE_ID: id,
                STORE_URL: storeUrl
            },
            gate
        });
    }
}

interface Parts {
    readonly nodes: readonly DeployedNode[];
    readonly store: ProcessStore;
    readonly proxyUrl: string;
    readonly faults: ReadonlySet<Fault>;
}

class ProcessDeployment implements Deployment {
    readonly nodes: readonly DeployedNode[];
    readonly faults: ReadonlySet<Fault>;
    readonly proxyUrl: string;
    private readonly store: ProcessStore;
    private readonly end: () => Promise<void>;

    constructor({ nodes, store, proxyUrl, faults }: Parts, end: () => Promise<void>) {
        this.nodes = nodes;
        this.faults = faults;
        this.proxyUrl = proxyUrl;
        this.store = store;
        this.end = end;
    }

    stopStore(): Promise<void> {
        return this.store.stop();
    }

    startStore(): Promise<void> {
        return this.store.start();
    }

    close(): Promise<void> {
        return this.end();
    }
}

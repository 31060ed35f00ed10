import { DemoClient } from './demoClient.ts';
import { RoundRobinProxy } from './roundRobinProxy.ts';
import { ServerProcess } from './serverProcess.ts';
import { Traffic } from './traffic.ts';

const NODES = ['node-1', 'node-2', 'node-3'];

/** One of the two implementations: three processes of it, a proxy before them, and a client that talks to the proxy. */
export class Lane {
    readonly traffic = new Traffic();
    /** All that were started; some may have been killed since. */
    readonly nodes: ServerProcess[] = [];
    private readonly script: string;
    private readonly environment: Readonly<Record<string, string>>;
    private connection: { readonly proxy: RoundRobinProxy; readonly demoClient: DemoClient } | undefined;

    /** @param script TypeScript file of the server. */
    constructor(script: string, environment: Readonly<Record<string, string>> = {}) {
        this.script = script;
        this.environment = environment;
    }

    /** @throws {Error} if a process can't be started. */
    async start(): Promise<void> {
        const nodes = await Promise.all(NODES.map(name => this.startNode(name)));
        const proxy = await RoundRobinProxy.start(nodes, this.traffic);
        this.connection = { proxy, demoClient: new DemoClient(proxy.url) };
    }

    get proxy(): RoundRobinProxy {
        return this.connected.proxy;
    }

    get demoClient(): DemoClient {
        return this.connected.demoClient;
    }

    /** The newest process of this name. */
    readonly nodeNamed = (name: string): ServerProcess => {
        const node = this.nodes.findLast(candidate => candidate.name === name);
        if (node === undefined) {
            throw new Error(`There is no ${name}`);
        }
        return node;
    };

    /** Starts a new process in the place of one that was killed. */
    readonly restart = async (name: string): Promise<void> => {
        this.proxy.replace(await this.startNode(name));
    };

    beginStep(): void {
        this.traffic.beginStep();
        this.demoClient.beginStep();
    }

    /** Ends all that was started, gracefully or at once. */
    async end(how: 'stop' | 'kill'): Promise<void> {
        await this.connection?.demoClient.close();
        await Promise.all(this.nodes.map(node => node[how]()));
        await this.connection?.proxy.close();
    }

    private get connected() {
        if (this.connection === undefined) {
            throw new Error('The lane was not started');
        }
        return this.connection;
    }

    private async startNode(name: string): Promise<ServerProcess> {
        const node = new ServerProcess(name, this.script, this.environment);
        this.nodes.push(node);
        await node.started();
        return node;
    }
}

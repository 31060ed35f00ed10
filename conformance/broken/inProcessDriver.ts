import { createServer, type Server, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { InMemoryTransportStore } from '@modelcontextprotocol/sdk/server/inMemoryTransportStore.js';
import { type TransportStore } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { authenticate, type AuthenticatedRequest, checkOrigin } from '../fixtures/shared/accessControl.ts';
import { respondWithError } from '../fixtures/shared/jsonRpcError.ts';
import { type DeployedNode, type Deployment, type Driver, type NodeSettings } from '../src/drivers/deployment.ts';
import { nodeName } from '../src/drivers/nodeEnvironment.ts';
import { RoundRobinProxy } from '../src/http/roundRobinProxy.ts';
import { type Fault } from '../src/manifest/requirement.ts';
import { BrokenEndpoint } from './brokenEndpoint.ts';
import { type Defect, type DefectParts } from './defect.ts';
import { NodeGate } from './nodeGate.ts';

const drainMs = 10_000;
/** Servers have 15 seconds to end; some more shows that one took too long. */
const stopTimeoutMs = 17_000;

/**
 * Runs nodes within this process, on a store in memory: hundreds of broken deployments are started in the time that one of processes
 * takes. Killing, freezing and cutting off are what the rest of the world sees of them.
 */
export class InProcessDriver implements Driver {
    readonly name = 'process';
    readonly faults: ReadonlySet<Fault> = new Set(['kill-node', 'pause-node', 'stop-node', 'cut-store', 'stop-store', 'configure']);
    private readonly defect: Defect | undefined;

    /** @param defect what is wrong with the nodes; `undefined` if nothing is. */
    constructor(defect: Defect | undefined) {
        this.defect = defect;
    }

    async start(count: number, settings: NodeSettings): Promise<Deployment> {
        const store = new InMemoryTransportStore();
        const defect = this.defect?.make() ?? {};
        const nodes = Array.from({ length: count }, (_, index) => new InProcessNode({ id: nodeName(index), settings, store, defect }));
        for (const node of nodes) {
            await node.start();
        }
        const proxy = await RoundRobinProxy.start(nodes.map(node => node.url));
        const setStoreAway = (isAway: boolean) => {
            nodes.forEach(node => node.setStoreAway(isAway));
            return Promise.resolve();
        };
        return {
            nodes,
            faults: this.faults,
            proxyUrl: proxy.url,
            stopStore: () => setStoreAway(true),
            startStore: () => setStoreAway(false),
            close: async () => {
                await proxy.close();
                await Promise.all(nodes.map(node => node.kill()));
            }
        };
    }
}

interface NodeOptions {
    readonly id: string;
    readonly settings: NodeSettings;
    readonly store: TransportStore;
    readonly defect: DefectParts;
}

/** What ends when a node is killed. */
interface Running {
    readonly server: Server;
    readonly gate: NodeGate;
    readonly endpoint: BrokenEndpoint;
}

class InProcessNode implements DeployedNode {
    readonly id: string;
    private readonly options: NodeOptions;
    private running: Running | undefined;
    private port = 0;
    private storeIsAway = false;

    constructor(options: NodeOptions) {
        this.id = options.id;
        this.options = options;
    }

    get url(): string {
        return `http://127.0.0.1:${this.port}/mcp`;
    }

    async start(): Promise<void> {
        const { id, settings, store, defect } = this.options;
        const gate = new NodeGate();
        gate.storeAway = this.storeIsAway;
        const endpoint = new BrokenEndpoint({ id, settings, store: gate.guard(store), defect, turn: () => gate.turn() });
        const server = createServer((req, res) => {
            this.respond({ gate, endpoint }, req, res).catch((error: unknown) => {
                res.destroy(error instanceof Error ? error : undefined);
            });
        });
        await new Promise<void>((resolve, reject) => server.once('error', reject).listen(this.port, '127.0.0.1', resolve));
        const address = server.address();
        this.port = typeof address === 'object' && address !== null ? address.port : 0;
        this.running = { server, gate, endpoint };
    }

    async kill(): Promise<void> {
        const { running } = this;
        this.running = undefined;
        if (running !== undefined) {
            running.gate.kill();
            await closeServer(running.server);
            running.endpoint.discard().catch(() => undefined);
        }
    }

    async stop(): Promise<{ readonly exitCode: number | undefined }> {
        const { running } = this;
        if (running === undefined) {
            return { exitCode: undefined };
        }
        const ended = running.endpoint.close(drainMs).then(
            () => 0,
            () => 1
        );
        const givenUp = new AbortController();
        const tooLate = delay(stopTimeoutMs, undefined, { signal: givenUp.signal }).catch(() => undefined);
        const exitCode = await Promise.race([ended, tooLate]);
        givenUp.abort();
        await this.kill();
        return { exitCode };
    }

    pause(): Promise<void> {
        this.running?.gate.pause();
        return Promise.resolve();
    }

    resume(): Promise<void> {
        this.running?.gate.open();
        return Promise.resolve();
    }

    cutStore(): Promise<void> {
        this.running?.gate.cut();
        return Promise.resolve();
    }

    joinStore(): Promise<void> {
        this.running?.gate.open();
        return Promise.resolve();
    }

    setStoreAway(isAway: boolean): void {
        this.storeIsAway = isAway;
        if (this.running !== undefined) {
            this.running.gate.storeAway = isAway;
        }
    }

    logs(): Promise<string> {
        return Promise.resolve('');
    }

    private async respond(
        { gate, endpoint }: Pick<Running, 'gate' | 'endpoint'>,
        req: AuthenticatedRequest,
        res: ServerResponse
    ): Promise<void> {
        const { settings, defect } = this.options;
        await gate.turn();
        res.setHeader('x-node-id', this.id);
        if (req.url === '/healthz') {
            res.writeHead((await endpoint.isReady()) ? 200 : 503).end();
        } else if (req.url !== '/mcp') {
            respondWithError(res, 404, 'Not found');
        } else if (defect.ignoresOrigin === true || checkOrigin(req, res)) {
            const needsNoToken = settings.auth === undefined || (defect.ignoresMissingToken === true && !req.headers.authorization);
            if (needsNoToken || authenticate(req, res)) {
                await endpoint.answer(req, res);
            }
        }
    }
}

/** Ends all connections at once. */
async function closeServer(server: Server): Promise<void> {
    await new Promise<void>(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
    });
}

import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js';
import { InMemoryTransportStore } from '@modelcontextprotocol/sdk/server/inMemoryTransportStore.js';
import {
    createSessionHandler,
    type SessionEvent,
    type SessionHandler,
    type SessionHandlerOptions
} from '@modelcontextprotocol/sdk/server/sessionHandler.js';
import type { TransportFactory, TransportFactoryContext } from '@modelcontextprotocol/sdk/server/transportFactory.js';
import type { TransportStore } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { Gates, buildServer, emptyLog, type NodeLog } from './testServer.ts';
import { serveWeb } from './webServer.ts';

/** One node: a session handler behind Node's `http`, on loopback. */
export interface TestNode {
    readonly name: string;
    readonly url: string;
    readonly handler: SessionHandler;
    readonly log: NodeLog;
    readonly errors: Error[];
    readonly events: SessionEvent[];
    /** Resolves when an HTTP request arrives. */
    nextRequest(): Promise<void>;
    /** Resolves when an event for which the condition holds has been emitted. */
    event(condition: (event: SessionEvent) => boolean): Promise<SessionEvent>;
    /** Stops the HTTP server and cuts its connections; the handler knows nothing of it. */
    stop(): Promise<void>;
}

export interface ClusterOptions extends SessionHandlerOptions {
    /** One store for all nodes, or one handle for each. Default: one in-memory store. */
    readonly storeOf?: (node: number) => TransportStore | Promise<TransportStore>;
    /** Called in place of the test server's own factory. */
    readonly factory?: (context: TransportFactoryContext, node: TestNode) => ReturnType<TransportFactory>;
    /** What of the handler stands behind the HTTP server: `handleRequest` or `handleWebRequest`. Default: `node`. */
    readonly face?: Face;
}

/** The two ways to hand a request to a handler. */
export type Face = 'node' | 'web';
export const faces: readonly Face[] = ['node', 'web'];

/** Nodes that share a store, in one process. */
export class TestCluster {
    readonly gates = new Gates();
    readonly nodes: TestNode[] = [];

    static async start(count: number, options: ClusterOptions = {}): Promise<TestCluster> {
        const cluster = new TestCluster();
        const shared = new InMemoryTransportStore();
        for (let i = 0; i < count; i++) {
            await cluster.add({ storeOf: () => options.store ?? shared, ...options });
        }
        return cluster;
    }

    async add(options: ClusterOptions): Promise<TestNode> {
        const { storeOf, factory, face = 'node', ...handlerOptions } = options;
        const index = this.nodes.length;
        const store = await storeOf?.(index);
        const name = `node-${index + 1}`;
        const log = emptyLog();
        const errors: Error[] = [];
        const events: SessionEvent[] = [];
        const listeners = new Set<(event: SessionEvent) => void>();
        const handler = createSessionHandler(context => (factory ? factory(context, node) : buildServer(name, context, log, this.gates)), {
            ...handlerOptions,
            ...(store ? { store } : {}),
            onerror: error => {
                errors.push(error);
                options.onerror?.(error);
            },
            onevent: event => {
                events.push(event);
                listeners.forEach(listener => listener(event));
            }
        });
        const arrivals = new Set<() => void>();
        const http = createServer((req, res) => {
            arrivals.forEach(arrived => arrived());
            arrivals.clear();
            const auth = authOf(req.headers.authorization);
            if (face === 'web') {
                void serveWeb(req, res, request => handler.handleWebRequest(request, auth && { authInfo: auth }));
            } else {
                void handler.handleRequest(auth ? Object.assign(req, { auth }) : req, res);
            }
        });
        const url = await listen(http);
        const node: TestNode = {
            name,
            url,
            handler,
            log,
            errors,
            events,
            nextRequest: () => new Promise(resolve => arrivals.add(resolve)),
            event: condition =>
                new Promise(resolve => {
                    const past = events.find(condition);
                    if (past) {
                        resolve(past);
                        return;
                    }
                    const listener = (event: SessionEvent): void => {
                        if (condition(event)) {
                            listeners.delete(listener);
                            resolve(event);
                        }
                    };
                    listeners.add(listener);
                }),
            stop: () =>
                new Promise(resolve => {
                    http.close(() => resolve());
                    http.closeAllConnections();
                })
        };
        this.nodes.push(node);
        return node;
    }

    node(index: number): TestNode {
        const node = this.nodes[index];
        if (!node) {
            throw new Error(`There is no node ${index}`);
        }
        return node;
    }

    async close(): Promise<void> {
        await Promise.all(
            this.nodes.map(async node => {
                await node.handler.close({ deadlineMs: 1 });
                await node.stop();
            })
        );
    }
}

/** Stands in for the middleware that verifies tokens. */
function authOf(authorization: string | undefined): AuthInfo | undefined {
    const user = /^Bearer user:(\w+)$/.exec(authorization ?? '')?.[1];
    return user === undefined ? undefined : { token: `secret-${user}`, clientId: user, scopes: [] };
}

async function listen(server: HttpServer): Promise<string> {
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/mcp`;
}

import type { Fault } from '../manifest/requirement.ts';

/** Settings of the fixture contract that a check may ask for; see `docs/fixture-contract.md`. */
export interface NodeSettings {
    readonly auth?: 'bearer';
    readonly sessionTtlMs?: number;
    readonly responseMode?: 'sse' | 'json';
    readonly resumable?: boolean;
}

/** One node of a running deployment. */
export interface DeployedNode {
    /** Its `NODE_ID`; the same after a restart. */
    readonly id: string;
    /** MCP endpoint. Look it up for each request: it changes when the node is started again. */
    readonly url: string;
    kill(): Promise<void>;
    /** Starts a node that has ended and waits until it is ready. */
    start(): Promise<void>;
    /** SIGTERM. Resolves when the process has ended. */
    stop(): Promise<{ readonly exitCode: number | undefined }>;
    pause(): Promise<void>;
    resume(): Promise<void>;
    /** Separates the node from the store until {@link joinStore}. */
    cutStore(): Promise<void>;
    joinStore(): Promise<void>;
    /** What the node has written to its standard output and error so far. */
    logs(): Promise<string>;
}

/**
 * Nodes of one server that share a store, started for a check or a group of checks.
 *
 * A method whose fault is not in {@link faults} throws `FaultNotAvailableError`; the runner does not start such checks.
 */
export interface Deployment {
    readonly nodes: readonly DeployedNode[];
    readonly faults: ReadonlySet<Fault>;
    /** Sends each request to the next node in turn, whatever its session; `undefined` if there is no such proxy. */
    readonly proxyUrl: string | undefined;
    stopStore(): Promise<void>;
    startStore(): Promise<void>;
    close(): Promise<void>;
}

/** How nodes of a target are started: processes, containers, or not at all (a list of URLs). */
export interface Driver {
    readonly name: 'process' | 'container' | 'url';
    readonly faults: ReadonlySet<Fault>;
    start(count: number, settings: NodeSettings): Promise<Deployment>;
}

import type { IncomingMessage, ServerResponse } from 'node:http';

/** What the bench asks of a server process, and what it says, over the channel between them. */
export type Command = { readonly kind: 'usage' | 'memory' | 'broadcast' | 'stop' };

export type Report =
    | { readonly kind: 'listening'; readonly port: number }
    /** CPU time of the process since it began, in microseconds. */
    | { readonly kind: 'usage'; readonly cpuUs: number }
    /** Memory in use after a full collection, in bytes. */
    | { readonly kind: 'memory'; readonly bytes: number; readonly liveSessions: number }
    | { readonly kind: 'broadcast' };

/** How a server is to be set up; told by the environment variable `BENCH_SERVER`. */
export interface ServerSetup {
    readonly implementation: 'bare' | 'upstream' | 'transports' | 'handler' | 'mcp-use' | 'wrong';
    readonly json: boolean;
    readonly resumable: boolean;
    /** `memory:`, `sqlite:///path` or `redis://host:port/db`. */
    readonly storeUrl: string;
    /** Milliseconds after which the handler drops its copy of an unused session; default: that of the handler. */
    readonly liveSessionIdleMs?: number | undefined;
}

/** Something that answers HTTP requests, and what the bench needs to know of it. */
export interface BenchServer {
    handle(request: IncomingMessage, response: ServerResponse): void;
    /** Sends one notification on the standalone stream of every session. */
    broadcast(): Promise<void>;
    readonly liveSessions: number;
    close(): Promise<void>;
}

import { request } from 'undici';
import { until } from '../http/until.ts';

/** One of several processes that serve the same sessions. */
export interface ClusterNode {
    /** Its `NODE_ID`, which it puts into `x-node-id`. */
    readonly id: string;
    /** Its MCP endpoint. May change when the node is started again. */
    readonly url: string;
}

/** How long a node may take from its start until it is ready. */
export const nodeStartTimeoutMs = 30_000;

/** `http://127.0.0.1:PORT/mcp` */
export function mcpUrl(port: number): string {
    return `http://127.0.0.1:${port}/mcp`;
}

/** Resolves when the node's `/healthz` answers 200. */
export function untilReady(node: ClusterNode, timeoutMs = nodeStartTimeoutMs): Promise<void> {
    return untilHealth(node, 200, timeoutMs);
}

/** Resolves when the node's `/healthz` answers 503. */
export function untilUnready(node: ClusterNode, timeoutMs = nodeStartTimeoutMs): Promise<void> {
    return untilHealth(node, 503, timeoutMs);
}

function untilHealth(node: ClusterNode, status: number, timeoutMs: number): Promise<void> {
    return until(`${node.id} to answer ${status} at /healthz`, timeoutMs, async () => {
        const { statusCode, body } = await request(new URL('/healthz', node.url), { headersTimeout: 5_000, bodyTimeout: 5_000 });
        await body.dump();
        return statusCode === status ? undefined : `it answers ${statusCode}`;
    });
}

/** What a test may do to the connections of a {@link RoundRobin}. */
interface OpenConnection {
    readonly node: number;
    readonly method: string;
    readonly cut: () => void;
}

/**
 * Stands in for a load balancer without affinity: each request of a client goes to the next node. One that refuses connections is left
 * out, as a load balancer does.
 */
export class RoundRobin {
    /** Address that the client is given; no request goes there. */
    readonly url = new URL('http://balancer.invalid/mcp');
    /** Node and method of every request that was answered so far, if only with the beginning of a stream. */
    readonly answered: { readonly node: number; readonly method: string }[] = [];
    /** Node that the last POST went to. */
    lastPosted = 0;
    private readonly urls: readonly string[];
    private readonly connections = new Set<OpenConnection>();
    private turn = 0;

    constructor(urls: readonly string[]) {
        this.urls = urls;
    }

    /** In place of the client's `fetch`. */
    readonly fetch = async (_url: string | URL, init: RequestInit = {}): Promise<Response> => {
        const first = this.turn++;
        for (let attempt = 0; ; attempt++) {
            const node = (first + attempt) % this.urls.length;
            const method = init.method ?? 'GET';
            const cutter = new AbortController();
            const signals = [cutter.signal, ...(init.signal ? [init.signal] : [])];
            if (method === 'POST') {
                this.lastPosted = node;
            }
            // Each on a connection of its own: one that is kept may be closed by a node that ends in the moment that it is used again.
            const headers = new Headers(init.headers);
            headers.set('connection', 'close');
            try {
                const response = await fetch(this.urls[node] ?? '', { ...init, headers, signal: AbortSignal.any(signals) });
                this.answered.push({ node, method });
                this.connections.add({ node, method, cut: () => cutter.abort(new Error('The test has cut the connection')) });
                return response;
            } catch (error) {
                if (!isRefused(error) || attempt === this.urls.length - 1) {
                    throw error;
                }
            }
        }
    };

    /** Cuts the connections that were made so far, of a method or all; those that have ended already take no notice. */
    cut(method?: string): void {
        for (const connection of this.connections) {
            if (method === undefined || connection.method === method) {
                this.connections.delete(connection);
                connection.cut();
            }
        }
    }
}

function isRefused(error: unknown): boolean {
    const cause = error instanceof Error ? error.cause : undefined;
    return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}

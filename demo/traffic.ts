/** A request that went through the proxy, and the beginning of its answer. */
export interface Exchange {
    /** Method of the JSON-RPC message that was posted, `reply` for an answer to the server, else the HTTP method. */
    readonly what: string;
    /** The node that it was sent to. */
    readonly node: string;
    /** HTTP status of the answer. */
    readonly status: number;
    /** Cuts the connections to the client and to the node. */
    cut(): void;
}

type Condition = (exchange: Exchange) => boolean;

/** What goes through the proxy in the present step of the conversation. */
export class Traffic {
    private exchanges: Exchange[] = [];
    private readonly listeners = new Set<(exchange: Exchange) => void>();

    beginStep(): void {
        this.exchanges = [];
        this.listeners.clear();
    }

    add(exchange: Exchange): void {
        this.exchanges.push(exchange);
        this.listeners.forEach(listener => listener(exchange));
    }

    /** The first exchange for which the condition holds, which may be yet to come. */
    async first(condition: Condition): Promise<Exchange> {
        return (
            this.exchanges.find(condition) ??
            new Promise(resolve => {
                this.listeners.add(exchange => {
                    if (condition(exchange)) {
                        resolve(exchange);
                    }
                });
            })
        );
    }

    /** The newest exchange of a kind. @throws {Error} if there is none. */
    last(what: string): Exchange {
        const exchange = this.exchanges.findLast(candidate => candidate.what === what);
        if (exchange === undefined) {
            throw new Error(`no ${what} was sent`);
        }
        return exchange;
    }

    /** The node that the newest exchange of a kind went to. @throws {Error} if there is none. */
    nodeOf(what: string): string {
        return this.last(what).node;
    }

    /** The first request that a node refused. */
    get refused(): Exchange | undefined {
        return this.exchanges.find(isRefusal);
    }

    /** Waits for something that will not happen if a node refuses a request. @throws {Error} if one does. */
    unlessRefused<T>(promise: Promise<T>): Promise<T> {
        const refusal = this.first(isRefusal).then(exchange => {
            throw new Error(inWords(exchange));
        });
        return Promise.race([promise, refusal]);
    }
}

/** For instance `tools/call → node-2: 404`. */
export function inWords({ what, node, status }: Exchange): string {
    return `${what.replace(/^(notifications|logging)\//, '')} → ${node}: ${status}`;
}

function isRefusal({ status }: Exchange): boolean {
    return status >= 400;
}

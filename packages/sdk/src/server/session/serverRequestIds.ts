/**
 * Ids of the requests that servers send to clients.
 *
 * Every server object numbers its requests from 0, so on the wire they get ids that are unique across nodes and restarts. The id names
 * the node that waits, which makes it the route of the reply: the route exists before the request leaves, and costs no store call.
 */
export class ServerRequestIds {
    private readonly node: string;
    private last = 0;

    /** @param node id of this node, random for each process. */
    constructor(node: string) {
        this.node = node;
    }

    next(): string {
        return `${this.node}.${++this.last}`;
    }
}

/** The node that waits for the reply with this id, or `undefined` if the id was not made by {@link ServerRequestIds}. */
export function waitingNode(id: string | number): string | undefined {
    const match = typeof id === 'string' ? /^([0-9a-f]{1,64})\.\d+$/.exec(id) : null;
    return match?.[1];
}

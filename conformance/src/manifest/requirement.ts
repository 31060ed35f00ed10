/** What a server that runs as several nodes must or should do, as data. One id stands for the requirement, its check and its result. */
export interface Requirement {
    /** `area.what-is-required`, for example `routing.reply-elsewhere`. Stable: baselines and reports of other people hold it. */
    readonly id: string;
    readonly level: 'MUST' | 'SHOULD';
    /** One sentence that is true of a server that conforms. */
    readonly title: string;
    /** Where it comes from: a section of the MCP specification, or a rule of `docs/rules.md` where the specification is silent. */
    readonly source: { readonly revision: string; readonly section: string } | { readonly rule: string };
    /** What the check must be able to do to the nodes. Where the target does not allow it, the result is `not-run`. */
    readonly faults: readonly Fault[];
    /** What the server must offer for the requirement to apply. Where it does not, the result is `not-applicable`. */
    readonly needs: readonly Feature[];
    /** Fewest nodes that the check needs. */
    readonly nodes: number;
}

/** What can be done to a deployment from outside. */
export type Fault =
    /** End a node at once (SIGKILL), and start it again. */
    | 'kill-node'
    /** Stop a node from running (SIGSTOP) and let it go on (SIGCONT). */
    | 'pause-node'
    /** Ask a node to end (SIGTERM). */
    | 'stop-node'
    /** Separate one node from the store. */
    | 'cut-store'
    /** Stop the store, and start it again with its data. */
    | 'stop-store'
    /** Start nodes with other settings than the default ones (authorization, a short time to live, JSON answers). */
    | 'configure';

/** What the fixture contract lets a server leave out, or what only some servers have. */
export type Feature =
    | 'resumable'
    | 'sse'
    | 'json'
    | 'auth'
    | 'ttl'
    | 'server-requests'
    | 'standalone-stream'
    | 'logging'
    /** Revision 2025-03-26, the only one in which a POST may hold several messages. */
    | 'batches';

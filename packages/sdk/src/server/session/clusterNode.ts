import { TransportStoreError, type InboxSubscription, type NodeInboxes } from '../transportStore.js';
import { decodeEnvelope, encodeEnvelope, type Envelope } from './envelope.js';
import { randomName } from './sessionIds.js';
import { asStoreError, type StoreCalls } from './storeCalls.js';

export interface ClusterNodeOptions {
    /** `undefined` if the store can't pass messages: this node then is a cluster of one. */
    readonly inboxes: NodeInboxes | undefined;
    readonly calls: StoreCalls;
    /** How long this node counts as alive after its last sign of life, in milliseconds. */
    readonly leaseMs: number;
    readonly onenvelope: (envelope: Envelope, from: string) => void;
    /** The lease had ended and was begun anew: others may have declared this node dead and told it nothing meanwhile. */
    readonly onlapse: () => void;
    readonly onerror: (error: Error) => void;
}

const RETRY_MS = 250;
/** Bounds of what is remembered in order to drop repetitions: senders, and the newest envelopes of each. */
const MAX_SENDERS = 1_024;
const MAX_REMEMBERED = 1_024;

/** This node among the others: its lease, its inbox, and what it sends to theirs. */
export class ClusterNode {
    /** Random, so that a new process is never taken for the one before it. */
    readonly id = randomName();
    private readonly options: ClusterNodeOptions;
    private readonly seen = new Map<string, Set<number>>();
    private subscription: InboxSubscription | undefined;
    /** Ends when all that was delivered so far is taken in. */
    private receiving = Promise.resolve();
    private joining: Promise<void> | undefined;
    private renewing: Promise<void> | undefined;
    private hasJoined = false;
    private leaseEnds = 0;
    private lapseCount = 0;
    private lastEnvelope = 0;
    private timer: ReturnType<typeof setTimeout> | undefined;
    private hasLeft = false;

    constructor(options: ClusterNodeOptions) {
        this.options = options;
    }

    /** Whether messages can be passed between nodes at all. */
    get connected(): boolean {
        return this.options.inboxes !== undefined;
    }

    /** How long a node counts as alive after its last sign of life, in milliseconds. */
    get leaseMs(): number {
        return this.options.leaseMs;
    }

    /** A number that changes whenever others may have declared this node dead; `undefined` while that can't be told. */
    get standing(): number | undefined {
        return !this.connected || performance.now() < this.leaseEnds ? this.lapseCount : undefined;
    }

    /**
     * Resolves when this node is one of the cluster: when others can reach it. The first call makes it so, and so does one after the
     * lease has run out.
     * @throws TransportStoreError if the store does not answer. The next call tries again.
     */
    ensureJoined(): Promise<void> {
        const { inboxes } = this.options;
        if (inboxes === undefined || (this.hasJoined && this.standing !== undefined)) {
            return Promise.resolve();
        }
        if (this.hasJoined) {
            return this.renewLease(inboxes);
        }
        this.joining ??= this.begin(inboxes).finally(() => {
            this.joining = undefined;
        });
        return this.joining;
    }

    /** @returns false if that node is not alive. */
    async send(node: string, envelope: Envelope): Promise<boolean> {
        const { inboxes, calls } = this.options;
        if (inboxes === undefined) {
            return false;
        }
        const text = encodeEnvelope(envelope, this.id, ++this.lastEnvelope);
        return calls.run(() => inboxes.send(node, [text]));
    }

    /** Sends what may be lost without harm; a failure is reported, not thrown. */
    tell(node: string, envelope: Envelope): void {
        this.send(node, envelope).catch(error => this.options.onerror(asStoreError(error)));
    }

    async isAlive(node: string): Promise<boolean> {
        const { inboxes, calls } = this.options;
        if (node === this.id || inboxes === undefined) {
            return node === this.id;
        }
        const alive = await calls.run(() => inboxes.alive([node]));
        return alive.length > 0;
    }

    /** Ends the lease and the delivery. */
    async leave(): Promise<void> {
        this.hasLeft = true;
        clearTimeout(this.timer);
        await Promise.allSettled([this.joining, this.renewing]);
        const { inboxes, calls } = this.options;
        if (inboxes && this.hasJoined) {
            this.hasJoined = false;
            await Promise.allSettled([this.subscription?.close(), calls.run(() => inboxes.leave(this.id))]);
        }
    }

    private async begin(inboxes: NodeInboxes): Promise<void> {
        if (this.hasLeft) {
            throw new TransportStoreError('STORE_MISUSED', 'This node has left the cluster; create a new session handler');
        }
        await this.startLease(inboxes);
        this.subscription ??= await this.options.calls.run(() =>
            inboxes.receive(
                this.id,
                messages => {
                    this.receiving = this.receiving.finally(() => this.receive(messages));
                },
                error => this.options.onerror(asStoreError(error))
            )
        );
        this.hasJoined = true;
        this.renewIn(this.options.leaseMs / 3);
    }

    private async startLease(inboxes: NodeInboxes): Promise<void> {
        const { calls, leaseMs } = this.options;
        const begun = performance.now();
        await calls.run(() => inboxes.join(this.id, leaseMs));
        this.leaseEnds = begun + leaseMs;
    }

    private renewIn(delayMs: number): void {
        if (this.hasLeft) {
            return;
        }
        this.timer = setTimeout(() => void this.renew(), delayMs);
        if (typeof this.timer === 'object' && 'unref' in this.timer) {
            this.timer.unref();
        }
    }

    private async renew(): Promise<void> {
        const { inboxes, leaseMs, onerror } = this.options;
        if (inboxes === undefined) {
            return;
        }
        try {
            await this.renewLease(inboxes);
            this.renewIn(leaseMs / 3);
        } catch (error) {
            onerror(asStoreError(error));
            this.renewIn(RETRY_MS);
        }
    }

    /** Renews the lease, or begins a new one if it has ended; once, whoever asks for it meanwhile. */
    private renewLease(inboxes: NodeInboxes): Promise<void> {
        this.renewing ??= this.renewOrRejoin(inboxes).finally(() => {
            this.renewing = undefined;
        });
        return this.renewing;
    }

    private async renewOrRejoin(inboxes: NodeInboxes): Promise<void> {
        const { calls, leaseMs, onlapse } = this.options;
        const begun = performance.now();
        if (await calls.run(() => inboxes.renew(this.id, leaseMs))) {
            this.leaseEnds = begun + leaseMs;
        } else if (!this.hasLeft) {
            this.lapseCount++;
            await this.startLease(inboxes);
            onlapse();
        }
    }

    private async receive(messages: readonly string[]): Promise<void> {
        for (const text of messages) {
            try {
                const { from, id, envelope } = decodeEnvelope(text);
                if (this.isNew(from, id)) {
                    this.options.onenvelope(envelope, from);
                }
            } catch (error) {
                this.options.onerror(asStoreError(error));
            }
            // The SDK handles a notification a turn after it got it, but a reply at once: progress must not be overtaken by the reply.
            await Promise.resolve();
        }
    }

    /** A store delivers at least once, so what was delivered before is known by its number. */
    private isNew(from: string, id: number): boolean {
        let ids = this.seen.get(from);
        if (ids?.has(id)) {
            return false;
        }
        if (ids === undefined) {
            this.seen.set(from, (ids = new Set()));
            dropOldest(this.seen, MAX_SENDERS);
        }
        ids.add(id);
        dropOldest(ids, MAX_REMEMBERED);
        return true;
    }
}

function dropOldest<K>(collection: { readonly size: number; keys(): Iterable<K>; delete(key: K): boolean }, max: number): void {
    if (collection.size > max) {
        for (const oldest of collection.keys()) {
            collection.delete(oldest);
            return;
        }
    }
}

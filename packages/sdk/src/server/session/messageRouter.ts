import type { JSONRPCNotification } from '../http/sdk.js';
import { isNotification, isResponse } from '../http/jsonRpcMessage.js';
import type { DeliveryOutcome, Envelope } from './envelope.js';
import type { LocalSession } from './localSession.js';
import type { LocalSessions } from './localSessions.js';
import type { PublishedEvent } from './streamTail.js';
import { waitingNode } from './serverRequestIds.js';
import type { SessionContext } from './sessionContext.js';
import { randomName } from './sessionIds.js';
import type { Response } from './sessionTransport.js';
import { asStoreError } from './storeCalls.js';
import { nodeOfReader, noteOfUnread } from './streamHolder.js';

/** What became of a reply: as {@link DeliveryOutcome}, or the node that waited is gone, or it lives but has not confirmed in time. */
export type ReplyOutcome = DeliveryOutcome | 'gone' | 'unconfirmed';

/** How long a node that is alive may take to confirm a reply beyond the time of its lease, in milliseconds. */
const RECEIPT_TIMEOUT_MS = 2_000;
/** How often it is asked whether a node is alive that has not confirmed yet, in milliseconds. */
const LIFE_CHECK_MS = 500;

/** Brings the client's messages to the nodes that they concern, and takes in what other nodes bring here. */
export class MessageRouter {
    private readonly context: SessionContext;
    private readonly sessions: LocalSessions;
    private readonly receipts = new Map<string, (outcome: DeliveryOutcome) => void>();

    constructor(context: SessionContext, sessions: LocalSessions) {
        this.context = context;
        this.sessions = sessions;
    }

    /**
     * Brings a reply to the node whose server waits for it, and waits until it is there.
     * @throws TransportStoreError
     */
    async reply(session: LocalSession, reply: Response): Promise<ReplyOutcome> {
        const { cluster, emit } = this.context;
        const node = reply.id === undefined ? undefined : waitingNode(reply.id);
        if (node === undefined || node === cluster.id) {
            return session.server?.transport.deliverReply(reply) ? 'delivered' : 'not-pending';
        }
        const receipt = randomName();
        const confirmed = new Promise<DeliveryOutcome>(resolve => this.receipts.set(receipt, resolve));
        try {
            if (!(await cluster.send(node, { kind: 'message', session: session.id, message: reply, receipt }))) {
                return 'gone';
            }
            emit({ type: 'message.routed', sessionId: session.id, node, what: 'reply' });
            return await this.confirmation(node, confirmed);
        } finally {
            this.receipts.delete(receipt);
        }
    }

    /**
     * Waits until a node has confirmed a reply, or is dead for certain: a node that was killed a moment ago has a lease that still runs.
     * @throws TransportStoreError
     */
    private async confirmation(node: string, confirmed: Promise<DeliveryOutcome>): Promise<ReplyOutcome> {
        const { cluster } = this.context;
        const deadline = performance.now() + cluster.leaseMs + RECEIPT_TIMEOUT_MS;
        while (performance.now() < deadline) {
            const outcome = await within(confirmed, LIFE_CHECK_MS);
            if (outcome !== undefined) {
                return outcome;
            }
            if (!(await cluster.isAlive(node))) {
                // What it said last may still be on its way.
                return (await within(confirmed, LIFE_CHECK_MS)) ?? 'gone';
            }
        }
        return 'unconfirmed';
    }

    /** Brings the client's progress on a request of the server to the node that waits for its reply. */
    async progress(session: LocalSession, message: JSONRPCNotification): Promise<void> {
        const { cluster, emit } = this.context;
        const token = message.params?.['progressToken'];
        const node = typeof token === 'string' ? waitingNode(token) : undefined;
        if (node === undefined || node === cluster.id) {
            session.server?.transport.deliverProgress(message);
        } else if (await cluster.send(node, { kind: 'message', session: session.id, message })) {
            emit({ type: 'message.routed', sessionId: session.id, node, what: 'progress' });
        }
    }

    /** Cancels a request of the client, wherever it runs. */
    async cancel(session: LocalSession, message: JSONRPCNotification): Promise<void> {
        if (!cancelHere(session, message)) {
            await this.broadcast(session, message, 'cancellation');
        }
    }

    /** Brings a notification to every other node that holds a copy of the session. */
    async broadcast(session: LocalSession, message: JSONRPCNotification, what: 'cancellation' | 'notification'): Promise<void> {
        const { cluster, store, calls, emit } = this.context;
        if (!cluster.connected) {
            return;
        }
        const nodes = await calls.run(() => store.sessions.nodes(session.id));
        await Promise.all(
            nodes
                .filter(node => node !== cluster.id)
                .map(async node => {
                    if (await cluster.send(node, { kind: 'message', session: session.id, message })) {
                        emit({ type: 'message.routed', sessionId: session.id, node, what });
                    } else {
                        await calls.run(() => store.sessions.leave(session.id, node));
                    }
                })
        );
    }

    /**
     * Tells the reader of a stream that there is more to read.
     * @param published the event that there is, if it was published. If the reader's node is dead, its position is noted for the reader
     * that comes next.
     */
    wake(holder: string, sessionId: string, streamId: string, published?: PublishedEvent): void {
        const { cluster, onerror } = this.context;
        const node = nodeOfReader(holder);
        if (node === cluster.id) {
            const session = this.sessions.get(sessionId);
            if (published === undefined || session?.tails.get(holder)?.take(published) !== true) {
                session?.wake(streamId);
            }
        } else if (node !== undefined) {
            const first = published?.position;
            this.wakeAt(node, { holder, sessionId, streamId, first }).catch(error => onerror(asStoreError(error)));
        }
    }

    private async wakeAt(
        node: string,
        { holder, sessionId, streamId, first }: { holder: string; sessionId: string; streamId: string; first: string | undefined }
    ): Promise<void> {
        const { cluster, streams, calls } = this.context;
        const isAlive = await cluster.send(node, { kind: 'wake', session: sessionId, stream: streamId });
        if (!isAlive && first !== undefined) {
            await calls.run(() => streams.release(sessionId, streamId, holder, noteOfUnread(first)));
        }
    }

    /** Takes in what another node has sent. */
    receive(envelope: Envelope, from: string): void {
        switch (envelope.kind) {
            case 'message':
                this.receiveMessage(envelope, from);
                break;
            case 'receipt':
                this.receipts.get(envelope.receipt)?.(envelope.outcome);
                break;
            case 'deleted':
                this.sessions.deleted(envelope.session, 'deleted-elsewhere');
                break;
            case 'wake':
                this.sessions.get(envelope.session)?.wake(envelope.stream);
                break;
            case 'displaced':
                this.sessions.get(envelope.session)?.displaced(envelope.stream, envelope.holder);
                break;
            case 'end':
                this.sessions.get(envelope.session)?.endTails(this.context.settings.retryInterval, envelope.stream);
                break;
        }
    }

    private receiveMessage({ session: sessionId, message, receipt }: Envelope & { kind: 'message' }, from: string): void {
        const session = this.sessions.get(sessionId);
        const transport = session?.server?.transport;
        let delivered = false;
        if (isResponse(message)) {
            delivered = transport?.deliverReply(message) ?? false;
        } else if (session && isNotification(message)) {
            if (message.method === 'notifications/cancelled') {
                delivered = cancelHere(session, message);
            } else if (message.method === 'notifications/progress') {
                delivered = transport?.deliverProgress(message) ?? false;
            } else {
                transport?.deliver(message);
                delivered = transport !== undefined;
            }
        }
        if (receipt !== undefined) {
            this.context.cluster.tell(from, { kind: 'receipt', receipt, outcome: delivered ? 'delivered' : 'not-pending' });
        }
    }
}

/** Aborts a request that runs on this node. @returns false if it does not run here. */
function cancelHere(session: LocalSession, message: JSONRPCNotification): boolean {
    const id = message.params?.['requestId'];
    const transport = session.server?.transport;
    if (transport === undefined || (typeof id !== 'string' && typeof id !== 'number') || !transport.isRunning(id)) {
        return false;
    }
    transport.deliver(message);
    for (const answer of session.answers.values()) {
        if (answer.unanswered.has(id)) {
            answer.cancel(id);
        }
    }
    transport.forget(id);
    return true;
}

/** The value of a promise, or `undefined` if it takes longer than a time limit in milliseconds. */
async function within<T>(promise: Promise<T>, limitMs: number): Promise<T | undefined> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const limit = new Promise<undefined>(resolve => {
        timer = setTimeout(resolve, limitMs, undefined);
    });
    try {
        return await Promise.race([promise, limit]);
    } finally {
        clearTimeout(timer);
    }
}

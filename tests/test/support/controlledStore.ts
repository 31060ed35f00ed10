import {
    TransportStoreError,
    type EventStreams,
    type InboxSubscription,
    type NodeInboxes,
    type SessionRecords,
    type TransportStore
} from '@modelcontextprotocol/sdk/server/transportStore.js';

/** Name of an operation of a store. */
export type StoreOperation =
    `sessions.${keyof SessionRecords}` | `streams.${keyof EventStreams}` | `inboxes.${Exclude<keyof NodeInboxes, 'receive'>}` | 'ping';

/** Calls of one operation that wait for the test. */
export interface HeldCall {
    /** Resolves when a call is there. */
    readonly reached: Promise<void>;
    /** Lets it pass, and all later ones. */
    release(): void;
}

/** One node's way to a store, which a test can cut, block, or hold calls on. What happens in the store itself is real. */
export class ControlledStore implements TransportStore {
    readonly sessions: SessionRecords;
    readonly streams: EventStreams;
    readonly inboxes: NodeInboxes;
    readonly ping: () => Promise<void>;
    private isCut = false;
    private blocked: { readonly until: Promise<void>; readonly end: () => void } | undefined;
    private readonly held = new Map<
        StoreOperation,
        { readonly where: 'before' | 'after'; readonly gate: Promise<void>; readonly arrive: () => void }
    >();
    private readonly undelivered: (() => void)[] = [];
    private readonly observers: { readonly operation: StoreOperation; readonly tell: () => void }[] = [];

    constructor(inner: TransportStore & Required<Pick<TransportStore, 'streams' | 'inboxes'>>) {
        const { sessions, streams, inboxes } = inner;
        this.ping = () => this.pass('ping', () => inner.ping());
        this.sessions = {
            create: (...args) => this.pass('sessions.create', () => sessions.create(...args)),
            touch: (...args) => this.pass('sessions.touch', () => sessions.touch(...args)),
            open: (...args) => this.pass('sessions.open', () => sessions.open(...args)),
            update: (...args) => this.pass('sessions.update', () => sessions.update(...args)),
            nodes: (...args) => this.pass('sessions.nodes', () => sessions.nodes(...args)),
            leave: (...args) => this.pass('sessions.leave', () => sessions.leave(...args)),
            delete: (...args) => this.pass('sessions.delete', () => sessions.delete(...args))
        };
        this.streams = {
            append: (...args) => this.pass('streams.append', () => streams.append(...args)),
            publish: (...args) => this.pass('streams.publish', () => streams.publish(...args)),
            read: (...args) => this.pass('streams.read', () => streams.read(...args)),
            hold: (...args) => this.pass('streams.hold', () => streams.hold(...args)),
            release: (...args) => this.pass('streams.release', () => streams.release(...args))
        };
        this.inboxes = {
            join: (...args) => this.pass('inboxes.join', () => inboxes.join(...args)),
            renew: (...args) => this.pass('inboxes.renew', () => inboxes.renew(...args)),
            leave: (...args) => this.pass('inboxes.leave', () => inboxes.leave(...args)),
            alive: (...args) => this.pass('inboxes.alive', () => inboxes.alive(...args)),
            send: (...args) => this.pass('inboxes.send', () => inboxes.send(...args)),
            receive: (node, onMessages, onError): Promise<InboxSubscription> =>
                inboxes.receive(node, messages => this.deliver(() => onMessages(messages)), onError)
        };
    }

    /** From now on every call is refused, and nothing is delivered. A node that stays so is as good as killed to the others. */
    cut(): void {
        this.isCut = true;
    }

    /** From now on no call is answered, and nothing is delivered, as if the node or its network had frozen. */
    block(): void {
        let end = (): void => undefined;
        const until = new Promise<void>(resolve => (end = resolve));
        this.blocked ??= { until, end };
    }

    /** Ends a cut or block: calls that waited go on, and what was not delivered is. */
    mend(): void {
        this.isCut = false;
        this.blocked?.end();
        this.blocked = undefined;
        this.undelivered.splice(0).forEach(deliver => deliver());
    }

    /**
     * Makes calls of an operation wait.
     * @param where before they reach the store, or when it has carried them out, on the way back.
     */
    hold(operation: StoreOperation, where: 'before' | 'after' = 'before'): HeldCall {
        let arrive = (): void => undefined;
        let open = (): void => undefined;
        const reached = new Promise<void>(resolve => (arrive = resolve));
        const gate = new Promise<void>(resolve => (open = resolve));
        this.held.set(operation, { where, gate, arrive });
        return {
            reached,
            release: () => {
                this.held.delete(operation);
                open();
            }
        };
    }

    /** Resolves when the next call of an operation that is made from now on was carried out. */
    done(operation: StoreOperation): Promise<void> {
        return new Promise(resolve => this.observers.push({ operation, tell: resolve }));
    }

    private async pass<T>(operation: StoreOperation, call: () => Promise<T>): Promise<T> {
        this.refuseIfCut();
        const held = this.held.get(operation);
        const blocked = this.blocked;
        if (held?.where === 'before' || blocked) {
            held?.arrive();
            await held?.gate;
            await blocked?.until;
            this.refuseIfCut();
        }
        const result = await call();
        if (held?.where === 'after') {
            held.arrive();
            await held.gate;
        }
        for (const observer of this.observers.filter(candidate => candidate.operation === operation)) {
            this.observers.splice(this.observers.indexOf(observer), 1);
            observer.tell();
        }
        return result;
    }

    private refuseIfCut(): void {
        if (this.isCut) {
            throw new TransportStoreError('STORE_UNAVAILABLE', 'The test has cut this node off from the store.');
        }
    }

    private deliver(delivery: () => void): void {
        if (this.isCut || this.blocked) {
            this.undelivered.push(delivery);
        } else {
            delivery();
        }
    }
}

import type { EventStreams, NodeInboxes, SessionRecords, TransportStore } from '@modelcontextprotocol/sdk/server/transportStore.js';

/** One call that a session handler has made to its store. */
export interface StoreCall {
    /** Such as `sessions.touch`. */
    readonly operation: Operation;
    readonly args: readonly unknown[];
}

export type Operation = `sessions.${keyof SessionRecords}` | `streams.${keyof EventStreams}` | `inboxes.${keyof NodeInboxes}` | 'ping';

/** Stands between a handler and its store: passes the call on, or not, or later, and hands the answer back, or not, or later. */
export type Intervention = <T>(proceed: () => Promise<T>, call: StoreCall) => Promise<T>;

/** Which calls are meant: an operation, or all for which a condition holds. */
export type CallFilter = Operation | ((call: StoreCall) => boolean);

/** Optional parts of a store. */
export interface StoreCapabilities {
    readonly streams?: boolean;
    readonly inboxes?: boolean;
}

/** A handle on a store that tells which calls are made, and lets tests intervene in them. */
export class WatchedStore implements TransportStore {
    readonly sessions: SessionRecords;
    readonly streams?: EventStreams;
    readonly inboxes?: NodeInboxes;
    readonly calls: StoreCall[] = [];
    private readonly store: TransportStore;
    private readonly interventions: { readonly matches: (call: StoreCall) => boolean; readonly intervention: Intervention }[] = [];
    private readonly listeners = new Set<(call: StoreCall) => void>();
    private isDamaged = false;
    private readonly receivers = new Set<(messages: readonly string[]) => void>();

    /** @param capabilities which optional parts of the store are shown. Default: all that it has. */
    constructor(store: TransportStore, capabilities: StoreCapabilities = {}) {
        const { sessions, streams, inboxes } = store;
        const via =
            <Args extends unknown[], Result>(operation: Operation, run: (...args: Args) => Promise<Result>) =>
            (...args: Args): Promise<Result> =>
                this.call({ operation, args }, () => run(...args));
        this.store = store;
        this.sessions = {
            create: via('sessions.create', (...args) => sessions.create(...args)),
            touch: via('sessions.touch', (...args) => sessions.touch(...args)),
            open: via('sessions.open', async (...args) => {
                const opened = await sessions.open(...args);
                return this.isDamaged && opened.status === 'ok' ? { ...opened, session: { ...opened.session, record: 'damaged' } } : opened;
            }),
            update: via('sessions.update', (...args) => sessions.update(...args)),
            nodes: via('sessions.nodes', (...args) => sessions.nodes(...args)),
            leave: via('sessions.leave', (...args) => sessions.leave(...args)),
            delete: via('sessions.delete', (...args) => sessions.delete(...args))
        };
        if (streams && capabilities.streams !== false) {
            this.streams = {
                append: via('streams.append', (...args) => streams.append(...args)),
                publish: via('streams.publish', (...args) => streams.publish(...args)),
                read: via('streams.read', (...args) => streams.read(...args)),
                hold: via('streams.hold', (...args) => streams.hold(...args)),
                release: via('streams.release', (...args) => streams.release(...args))
            };
        }
        if (inboxes && capabilities.inboxes !== false) {
            this.inboxes = {
                join: via('inboxes.join', (...args) => inboxes.join(...args)),
                renew: via('inboxes.renew', (...args) => inboxes.renew(...args)),
                leave: via('inboxes.leave', (...args) => inboxes.leave(...args)),
                alive: via('inboxes.alive', (...args) => inboxes.alive(...args)),
                send: via('inboxes.send', (...args) => inboxes.send(...args)),
                receive: via(
                    'inboxes.receive',
                    (node: string, onMessages: (messages: readonly string[]) => void, onError: (error: Error) => void) =>
                        inboxes.receive(
                            node,
                            messages => {
                                onMessages(messages);
                                [...this.receivers].forEach(receiver => receiver(messages));
                            },
                            onError
                        )
                )
            };
        }
    }

    ping(): Promise<void> {
        return this.call({ operation: 'ping', args: [] }, () => this.store.ping());
    }

    /** Calls that were made since this was called last, or since the beginning; those of the node's own upkeep are left out. */
    takeRequestCalls(): Operation[] {
        return this.calls.splice(0).flatMap(({ operation }) => (operation.startsWith('inboxes.') ? [] : [operation]));
    }

    /** Puts an intervention before all that are in force. @returns takes it back. */
    intervene(filter: CallFilter, intervention: Intervention): () => void {
        const entry = { matches: conditionOf(filter), intervention };
        this.interventions.unshift(entry);
        return () => {
            const index = this.interventions.indexOf(entry);
            if (index >= 0) {
                this.interventions.splice(index, 1);
            }
        };
    }

    /** Takes all interventions back. */
    letPass(): void {
        this.interventions.splice(0);
    }

    /** From now on records that are read are not what was written. @returns mends that. */
    damageRecords(): () => void {
        this.isDamaged = true;
        return () => {
            this.isDamaged = false;
        };
    }

    /** Resolves when the next such call is made. */
    next(filter: CallFilter): Promise<StoreCall> {
        const matches = conditionOf(filter);
        return new Promise(resolve => {
            const listener = (call: StoreCall): void => {
                if (matches(call)) {
                    this.listeners.delete(listener);
                    resolve(call);
                }
            };
            this.listeners.add(listener);
        });
    }

    /** Resolves when messages for which the condition holds have been delivered to the node. */
    delivered(condition: (messages: readonly string[]) => boolean): Promise<void> {
        return new Promise(resolve => {
            const receiver = (messages: readonly string[]): void => {
                if (condition(messages)) {
                    this.receivers.delete(receiver);
                    resolve();
                }
            };
            this.receivers.add(receiver);
        });
    }

    private call<T>(call: StoreCall, proceed: () => Promise<T>): Promise<T> {
        this.calls.push(call);
        const entry = this.interventions.find(({ matches }) => matches(call));
        const answer = entry ? entry.intervention(proceed, call) : proceed();
        [...this.listeners].forEach(listener => listener(call));
        return answer;
    }
}

function conditionOf(filter: CallFilter): (call: StoreCall) => boolean {
    return typeof filter === 'function' ? filter : ({ operation }) => operation === filter;
}

/** What can be waited for until the test lets go. */
export class Gate {
    open: () => void = () => undefined;
    readonly opened = new Promise<void>(resolve => (this.open = resolve));

    /** The call is passed on when the gate opens. */
    readonly before: Intervention = async proceed => {
        await this.opened;
        return proceed();
    };

    /** The call is passed on at once, and its answer handed back when the gate opens. */
    readonly after: Intervention = async proceed => {
        const answer = await proceed();
        await this.opened;
        return answer;
    };
}

/** The store gives no answer, ever. */
export const hang: Intervention = () => new Promise(() => undefined);

/** The store rejects. */
export function rejectWith(reason: unknown): Intervention {
    return () => Promise.reject(reason);
}

/** The store throws before it has made a promise. */
export function throwAtOnce(reason: unknown): Intervention {
    return () => {
        throw reason;
    };
}

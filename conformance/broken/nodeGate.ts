import { type NodeInboxes, type TransportStore, TransportStoreError } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { changed } from './delegate.ts';

type State = 'open' | 'cut' | 'paused' | 'dead';

/** Stands between a node and everything else, so that the node can be frozen, cut off and killed although it is no process. */
export class NodeGate {
    private state: State = 'open';
    private waiting: (() => void)[] = [];
    private storeIsAway = false;

    /** The store as the node reaches it. */
    guard(store: TransportStore): TransportStore {
        const { streams, inboxes } = store;
        return changed(store, {
            ping: () => this.call(() => store.ping()),
            sessions: this.guardAll(store.sessions),
            ...(streams === undefined ? {} : { streams: this.guardAll(streams) }),
            ...(inboxes === undefined ? {} : { inboxes: changed(this.guardAll(inboxes), { receive: this.receive(inboxes) }) })
        });
    }

    cut(): void {
        this.set('cut');
    }

    pause(): void {
        this.set('paused');
    }

    open(): void {
        this.set('open');
    }

    /** For good. */
    kill(): void {
        this.set('dead');
    }

    /** Takes the store away, or brings it back, whatever else is done to the node. */
    set storeAway(isAway: boolean) {
        this.storeIsAway = isAway;
        this.wake();
    }

    /** Resolves when the node may run; never, if it is dead. */
    async turn(): Promise<void> {
        await this.until(() => this.state === 'open' || this.state === 'cut');
    }

    private set(state: State): void {
        if (this.state !== 'dead') {
            this.state = state;
            this.wake();
        }
    }

    private wake(): void {
        this.waiting.splice(0).forEach(resolve => resolve());
    }

    private async until(condition: () => boolean): Promise<void> {
        while (!condition()) {
            await new Promise<void>(resolve => this.waiting.push(resolve));
        }
    }

    private get isCutOff(): boolean {
        return this.state === 'cut' || this.state === 'dead' || this.storeIsAway;
    }

    private async call<T>(action: () => Promise<T>): Promise<T> {
        await this.until(() => this.state !== 'paused');
        if (this.isCutOff) {
            throw new TransportStoreError('STORE_UNAVAILABLE', 'The store was taken away from this node');
        }
        return action();
    }

    private guardAll<T extends object>(target: T): T {
        const call = <Result>(action: () => Promise<Result>) => this.call(action);
        return new Proxy(target, {
            get(_, key) {
                const value: unknown = Reflect.get(target, key);
                return typeof value === 'function'
                    ? (...args: unknown[]) => call(() => Reflect.apply(value, target, args) as Promise<unknown>)
                    : value;
            }
        });
    }

    /** What comes while the node can't be reached waits, in its order. */
    private receive(inboxes: NodeInboxes): NodeInboxes['receive'] {
        return async (node, onMessages, onError) => {
            let last = Promise.resolve();
            const deliver = (messages: readonly string[]): void => {
                last = last.then(() => this.until(() => this.state === 'open' && !this.storeIsAway)).then(() => onMessages(messages));
            };
            return this.call(() => inboxes.receive(node, deliver, onError));
        };
    }
}

import type { EventStreams, NodeInboxes, SessionRecords, TransportStore } from '@modelcontextprotocol/sdk/server/transportStore.js';

/** A store with all capabilities, with the functions of another one, some of them replaced. */
export function override(
    { sessions, streams, inboxes, ping }: FullStore,
    replaced: {
        readonly sessions?: Partial<SessionRecords>;
        readonly streams?: Partial<EventStreams>;
        readonly inboxes?: Partial<NodeInboxes>;
        readonly ping?: () => Promise<void>;
    }
): FullStore {
    return {
        sessions: {
            create: (...args) => sessions.create(...args),
            touch: (...args) => sessions.touch(...args),
            open: (...args) => sessions.open(...args),
            update: (...args) => sessions.update(...args),
            nodes: (...args) => sessions.nodes(...args),
            leave: (...args) => sessions.leave(...args),
            delete: (...args) => sessions.delete(...args),
            ...replaced.sessions
        },
        streams: {
            append: (...args) => streams.append(...args),
            publish: (...args) => streams.publish(...args),
            read: (...args) => streams.read(...args),
            hold: (...args) => streams.hold(...args),
            release: (...args) => streams.release(...args),
            ...replaced.streams
        },
        inboxes: {
            join: (...args) => inboxes.join(...args),
            renew: (...args) => inboxes.renew(...args),
            leave: (...args) => inboxes.leave(...args),
            alive: (...args) => inboxes.alive(...args),
            send: (...args) => inboxes.send(...args),
            receive: (...args) => inboxes.receive(...args),
            ...replaced.inboxes
        },
        ping: replaced.ping ?? ping
    };
}

/** A store with all capabilities. */
export interface FullStore extends TransportStore {
    readonly streams: EventStreams;
    readonly inboxes: NodeInboxes;
}

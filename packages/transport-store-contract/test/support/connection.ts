import { type FullStore, override } from './delegates.js';

/** A number from 0 to 1, excluded. */
export type Random = () => number;

/** Random numbers that are the same in each run. */
export function seededRandom(seed: number): Random {
    let state = seed;
    return () => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return state / 2 ** 32;
    };
}

/**
 * A store as behind a connection: calls travel for a while and are carried out one after the other, then their answers travel. So calls
 * of several such handles interleave, which those on a store in memory never do.
 */
export function connect(store: FullStore, random: Random): FullStore {
    const travel = () => new Promise<void>(resolve => setTimeout(resolve, Math.floor(random() * 3)));
    let previous: Promise<unknown> = Promise.resolve();
    const call = async <Result>(operation: () => Promise<Result>): Promise<Result> => {
        const result = previous.then(travel).then(operation);
        previous = result.catch(() => {});
        try {
            return await result;
        } finally {
            await travel();
        }
    };
    const { sessions, streams, inboxes } = store;
    return override(store, {
        sessions: {
            create: (...args) => call(() => sessions.create(...args)),
            touch: (...args) => call(() => sessions.touch(...args)),
            open: (...args) => call(() => sessions.open(...args)),
            update: (...args) => call(() => sessions.update(...args)),
            nodes: (...args) => call(() => sessions.nodes(...args)),
            leave: (...args) => call(() => sessions.leave(...args)),
            delete: (...args) => call(() => sessions.delete(...args))
        },
        streams: {
            append: (...args) => call(() => streams.append(...args)),
            publish: (...args) => call(() => streams.publish(...args)),
            read: (...args) => call(() => streams.read(...args)),
            hold: (...args) => call(() => streams.hold(...args)),
            release: (...args) => call(() => streams.release(...args))
        },
        inboxes: {
            join: (...args) => call(() => inboxes.join(...args)),
            renew: (...args) => call(() => inboxes.renew(...args)),
            leave: (...args) => call(() => inboxes.leave(...args)),
            alive: (...args) => call(() => inboxes.alive(...args)),
            send: (...args) => call(() => inboxes.send(...args)),
            receive: (...args) => call(() => inboxes.receive(...args))
        }
    });
}

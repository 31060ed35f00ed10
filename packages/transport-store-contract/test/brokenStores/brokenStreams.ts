import type { EventStreams, StreamEvent, StreamRetention } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { type FullStore, override } from '../support/delegates.js';
import { type Change, connectedBackend } from '../support/memoryBackends.js';
import { both, type BrokenStore, DefaultMap, pause } from './brokenStore.js';

const longMs = 120_000;

type Page = { readonly status: 'ok'; readonly events: readonly StreamEvent[]; readonly closed: boolean };
type Answer = Awaited<ReturnType<EventStreams['read']>>;

/** Replaces operations on streams. */
function broken(
    defect: string,
    fails: readonly string[],
    change: (streams: EventStreams, store: FullStore) => Partial<EventStreams>
): BrokenStore {
    return { defect, fails, backend: () => connectedBackend(store => override(store, { streams: change(store.streams, store) })) };
}

/** Changes the retention of every write. */
function retaining(change: (retention: StreamRetention) => StreamRetention): (streams: EventStreams) => Partial<EventStreams> {
    return streams => ({
        append: (id, stream, events, options) => streams.append(id, stream, events, { ...options, ...change(options) }),
        publish: (id, stream, data, retention) => streams.publish(id, stream, data, change(retention))
    });
}

/** Changes the answers of every read. */
function reading(change: (answer: Answer, args: Parameters<EventStreams['read']>, streams: EventStreams) => Promise<Answer> | Answer) {
    return (streams: EventStreams): Partial<EventStreams> => ({
        read: async (...args) => change(await streams.read(...args), args, streams)
    });
}

/** Changes the pages that are read. */
function paging(change: (page: Page, args: Parameters<EventStreams['read']>) => Page) {
    return reading((answer, args) => (answer.status === 'ok' ? change(answer, args) : answer));
}

/** Changes what writers are told of the holder. */
function telling(change: (holder: string | undefined) => string | undefined): (streams: EventStreams) => Partial<EventStreams> {
    return streams => ({
        async append(...args) {
            const answer = await streams.append(...args);
            return answer.status === 'ok' ? { ...answer, holder: change(answer.holder) } : answer;
        },
        async publish(...args) {
            const answer = await streams.publish(...args);
            return answer.status === 'ok' ? { ...answer, holder: change(answer.holder) } : answer;
        }
    });
}

/** Changes the ids under which streams are kept. */
function renaming(change: (sessionId: string, streamId: string) => readonly [string, string]) {
    return (streams: EventStreams): Partial<EventStreams> => ({
        append: (id, stream, ...rest) => streams.append(...change(id, stream), ...rest),
        publish: (id, stream, ...rest) => streams.publish(...change(id, stream), ...rest),
        read: (id, stream, ...rest) => streams.read(...change(id, stream), ...rest),
        hold: (id, stream, ...rest) => streams.hold(...change(id, stream), ...rest),
        release: (id, stream, ...rest) => streams.release(...change(id, stream), ...rest)
    });
}

const key = (sessionId: string, streamId: string) => `${sessionId}/${streamId}`;

/** Stores that get event streams wrong. */
export const brokenStreams: readonly BrokenStore[] = [
    broken(
        'pads positions with zeros',
        ['streams.append.round-trip', 'streams.append.numbers', 'streams.close.refuses'],
        paging(page => ({ ...page, events: page.events.map(event => ({ ...event, position: event.position.padStart(20, '0') })) }))
    ),
    broken(
        'trims events',
        ['streams.append.round-trip', 'streams.publish.round-trip'],
        paging(page => ({ ...page, events: page.events.map(event => ({ ...event, data: event.data.trim() })) }))
    ),
    broken('compares positions as text', ['streams.append.numbers'], streams => ({
        async read(id, stream, after, limit) {
            const answer = await streams.read(id, stream, undefined, 10_000);
            return answer.status === 'ok'
                ? { ...answer, events: answer.events.filter(({ position }) => position > (after ?? '')).slice(0, limit) }
                : answer;
        }
    })),
    broken('keeps numbers in 32 bits', ['streams.append.numbers'], streams => ({
        append: (id, stream, events, options) =>
            streams.append(
                id,
                stream,
                events.map(event => ({ ...event, number: event.number % 2 ** 32 })),
                options
            )
    })),
    broken('adds the events of a repeated append again', ['streams.append.repeated', 'streams.trim.repeated-append'], streams => {
        const counts = new DefaultMap<number>(() => 0);
        return {
            append(id, stream, events, options) {
                const start = counts.get(key(id, stream));
                counts.set(key(id, stream), start + events.length);
                const renumbered = events.map(({ data }, index) => ({ number: start + index, data }));
                return streams.append(id, stream, renumbered, options);
            }
        };
    }),
    broken('skips an append as a whole if it brings an event again', ['streams.append.repeated'], streams => {
        const newest = new DefaultMap<number>(() => -1);
        return {
            append(id, stream, events, options) {
                const isRepeated = events.some(({ number }) => number <= newest.get(key(id, stream)));
                newest.set(key(id, stream), Math.max(newest.get(key(id, stream)), ...events.map(({ number }) => number)));
                return streams.append(id, stream, isRepeated ? [] : events, options);
            }
        };
    }),
    {
        defect: 'lets appends overtake each other',
        fails: ['streams.append.pipelined'],
        backend: () => {
            const backend = connectedBackend();
            return {
                ...backend,
                async open() {
                    const { store, close } = await backend.open();
                    const { streams } = store;
                    if (streams === undefined) {
                        return { store, close };
                    }
                    let calls = 0;
                    return {
                        close,
                        store: {
                            ...store,
                            streams: {
                                publish: (...args) => streams.publish(...args),
                                read: (...args) => streams.read(...args),
                                hold: (...args) => streams.hold(...args),
                                release: (...args) => streams.release(...args),
                                async append(...args) {
                                    if (calls++ % 3 === 0) {
                                        await pause();
                                    }
                                    return streams.append(...args);
                                }
                            }
                        }
                    };
                }
            };
        }
    },
    broken('never closes', ['streams.close.refuses', 'streams.close.race', 'streams.close.takeover', 'streams.read.closed'], streams => ({
        append: (id, stream, events, options) => streams.append(id, stream, events, { ...options, close: false })
    })),
    broken('ignores an append without events', ['streams.close.empty', 'streams.hold.told.closing'], streams => ({
        append: async (id, stream, events, options) =>
            events.length === 0 ? { status: 'ok' } : streams.append(id, stream, events, options)
    })),
    broken('tells a closed stream from an open one, then writes', ['streams.close.race', 'streams.close.takeover'], streams => {
        const closed = new Set<string>();
        return {
            async append(id, stream, events, options) {
                if (closed.has(key(id, stream))) {
                    return { status: 'closed' };
                }
                await pause();
                if (options.close === true) {
                    closed.add(key(id, stream));
                }
                return streams.append(id, stream, events, { ...options, close: false });
            },
            async read(...args) {
                const answer = await streams.read(...args);
                return answer.status === 'ok' ? { ...answer, closed: closed.has(key(args[0], args[1])) } : answer;
            }
        };
    }),
    broken('returns one position for a call', ['streams.publish.round-trip', 'streams.publish.concurrent'], streams => ({
        async publish(...args) {
            const answer = await streams.publish(...args);
            return answer.status === 'ok' ? { ...answer, positions: answer.positions.slice(-1) } : answer;
        }
    })),
    broken('takes every event for the first', ['streams.publish.previous'], streams => ({
        async publish(...args) {
            const answer = await streams.publish(...args);
            return answer.status === 'ok' ? { ...answer, previous: '0' } : answer;
        }
    })),
    broken('has a point in positions', ['streams.publish.round-trip'], streams => ({
        async publish(...args) {
            const answer = await streams.publish(...args);
            return answer.status === 'ok' ? { ...answer, positions: answer.positions.map(position => `0.${position}`) } : answer;
        },
        async read(id, stream, after, limit) {
            const answer = await streams.read(id, stream, after?.slice(2), limit);
            return answer.status === 'ok'
                ? { ...answer, events: answer.events.map(event => ({ ...event, position: `0.${event.position}` })) }
                : answer;
        }
    })),
    broken('publishes each event by itself', ['streams.publish.concurrent'], streams => ({
        async publish(id, stream, data, retention) {
            const positions: string[] = [];
            for (const text of data) {
                await pause();
                const answer = await streams.publish(id, stream, [text], retention);
                if (answer.status === 'missing') {
                    return answer;
                }
                positions.push(...answer.positions);
            }
            return { status: 'ok', positions };
        }
    })),
    broken('publishes the events of a call in reverse', ['streams.publish.round-trip', 'streams.publish.concurrent'], streams => ({
        publish: (id, stream, data, retention) => streams.publish(id, stream, [...data].reverse(), retention)
    })),
    broken('takes positions first and adds the events a little later', ['streams.publish.tailed'], (_streams, { sessions }) => {
        const logs = new DefaultMap<{ newest: number; events: { number: number; data: string }[] }>(() => ({ newest: 0, events: [] }));
        let calls = 0;
        return {
            async publish(id, stream, data) {
                await sessions.nodes(id);
                const log = logs.get(key(id, stream));
                const events = data.map(text => ({ number: ++log.newest, data: text }));
                for (let waited = 0; waited < calls++ % 3; waited++) {
                    await pause();
                }
                log.events.push(...events);
                log.events.sort((a, b) => a.number - b.number);
                return { status: 'ok', positions: events.map(({ number }) => `${number}`) };
            },
            async read(id, stream, after, limit) {
                const { events } = logs.get(key(id, stream));
                const page = events.filter(({ number }) => number > Number(after ?? 0)).slice(0, limit);
                return { status: 'ok', closed: false, events: page.map(({ number, data }) => ({ position: `${number}`, data })) };
            }
        };
    }),
    broken('returns one event more than the limit', both('streams.read.paging'), streams => ({
        read: (id, stream, after, limit) => streams.read(id, stream, after, limit + 1)
    })),
    broken('reads from the position on, not after it', [...both('streams.read.paging'), ...both('streams.read.follow')], streams => ({
        async read(id, stream, after, limit) {
            const before = after === undefined ? undefined : `${Math.max(0, Number(after) - 1)}`;
            return streams.read(id, stream, before, limit);
        }
    })),
    broken('tells too early that a stream ends', ['streams.read.closed'], streams => {
        const closed = new Set<string>();
        return {
            append(id, stream, events, options) {
                if (options.close === true) {
                    closed.add(key(id, stream));
                }
                return streams.append(id, stream, events, options);
            },
            async read(id, stream, ...rest) {
                const answer = await streams.read(id, stream, ...rest);
                return answer.status === 'ok' ? { ...answer, closed: closed.has(key(id, stream)) } : answer;
            }
        };
    }),
    broken(
        'tells the end of a stream only when there is nothing left to read',
        ['streams.read.closed'],
        paging(page => ({ ...page, closed: page.closed && page.events.length === 0 }))
    ),
    broken(
        'takes a position beyond the end for a lost one',
        ['streams.read.beyond-end'],
        reading(async (answer, [id, stream, after], streams) => {
            const all = await streams.read(id, stream, undefined, 10_000);
            const newest = all.status === 'ok' ? all.events.at(-1) : undefined;
            return newest !== undefined && Number(after ?? 0) > Number(newest.position) ? { status: 'trimmed' } : answer;
        })
    ),
    broken('remembers what it read at a position', both('streams.read.follow'), streams => {
        const pages = new Map<string, Promise<Answer>>();
        return {
            read(...args) {
                const page = pages.get(args.join('/')) ?? streams.read(...args);
                pages.set(args.join('/'), page);
                return page;
            }
        };
    }),
    broken(
        'takes an unknown stream for an empty one',
        ['streams.read.unknown', 'streams.read.held-empty', ...both('streams.ttl.dropped'), 'streams.absent-session'],
        reading(answer => (answer.status === 'unknown' ? { status: 'ok', events: [], closed: false } : answer))
    ),
    broken(
        'takes an empty stream for an unknown one',
        ['streams.read.held-empty', 'streams.read.beyond-end'],
        reading(answer => (answer.status === 'ok' && answer.events.length === 0 ? { status: 'unknown' } : answer))
    ),
    broken('rejects positions that are no numbers', both('streams.read.foreign-position'), streams => ({
        async read(id, stream, after, limit) {
            if (after !== undefined && !/^\d+$/.test(after)) {
                throw new Error('invalid position');
            }
            return streams.read(id, stream, after, limit);
        }
    })),
    broken(
        'trims nothing',
        [...both('streams.trim'), ...both('streams.trim.one-call'), ...both('streams.trim.many')],
        retaining(retention => ({ ...retention, maxEvents: 100_000 }))
    ),
    broken(
        'keeps half of what it is to keep',
        [...both('streams.trim.not-yet'), ...both('streams.trim.many')],
        retaining(retention => ({ ...retention, maxEvents: retention.maxEvents / 2 - 100 }))
    ),
    broken(
        'goes on with the oldest event for who missed some',
        [...both('streams.trim'), ...both('streams.trim.one-call'), ...both('streams.trim.many'), ...both('streams.ttl.written-again')],
        reading((answer, [id, stream, , limit], streams) =>
            answer.status === 'trimmed' ? streams.read(id, stream, undefined, limit) : answer
        )
    ),
    broken(
        'drops no stream',
        both('streams.ttl.dropped'),
        retaining(retention => ({ ...retention, ttlMs: longMs }))
    ),
    broken('drops a stream at the time that its first event set', both('streams.ttl.renewed'), streams => {
        const ends = new Map<string, number>();
        const start = (id: string, stream: string, ttlMs: number) => {
            ends.set(key(id, stream), ends.get(key(id, stream)) ?? Date.now() + ttlMs);
        };
        return {
            append(id, stream, events, options) {
                start(id, stream, options.ttlMs);
                return streams.append(id, stream, events, options);
            },
            publish(id, stream, data, retention) {
                start(id, stream, retention.ttlMs);
                return streams.publish(id, stream, data, retention);
            },
            async read(id, stream, ...rest) {
                return (ends.get(key(id, stream)) ?? Infinity) <= Date.now() ? { status: 'unknown' } : streams.read(id, stream, ...rest);
            }
        };
    }),
    broken('drops the hold with the events', both('streams.ttl.held'), streams => {
        const holders = new Map<string, string>();
        const forget = async (id: string, stream: string) => {
            const page = await streams.read(id, stream, undefined, 1);
            if (page.status === 'ok' && page.events.length === 0) {
                await streams.release(id, stream, holders.get(key(id, stream)) ?? '');
            }
        };
        return {
            hold(id, stream, holder) {
                holders.set(key(id, stream), holder);
                return streams.hold(id, stream, holder);
            },
            async append(id, stream, ...rest) {
                await forget(id, stream);
                return streams.append(id, stream, ...rest);
            },
            async publish(id, stream, ...rest) {
                await forget(id, stream);
                return streams.publish(id, stream, ...rest);
            }
        };
    }),
    broken('forgets who held a stream before', ['streams.hold.newest', 'streams.hold.concurrent'], streams => ({
        async hold(...args) {
            const { status } = await streams.hold(...args);
            return { status };
        }
    })),
    broken('lets the first holder keep the stream', ['streams.hold.newest', 'streams.hold.release'], streams => {
        const held = new Set<string>();
        return {
            async hold(id, stream, holder) {
                if (held.has(key(id, stream))) {
                    return { status: 'ok' };
                }
                held.add(key(id, stream));
                return streams.hold(id, stream, holder);
            }
        };
    }),
    broken('releases whoever holds the stream', ['streams.hold.release'], streams => {
        const holders = new Map<string, string>();
        return {
            hold(id, stream, holder) {
                holders.set(key(id, stream), holder);
                return streams.hold(id, stream, holder);
            },
            release: (id, stream) => streams.release(id, stream, holders.get(key(id, stream)) ?? '')
        };
    }),
    broken('forgets the successor', ['streams.hold.successor', 'streams.hold.successor-race'], streams => ({
        release: (id, stream, holder) => streams.release(id, stream, holder)
    })),
    broken('puts the successor in whoever’s place', ['streams.hold.successor', 'streams.hold.successor-race'], streams => ({
        async release(id, stream, holder, successor) {
            await streams.release(id, stream, holder);
            if (successor !== undefined) {
                await streams.hold(id, stream, successor);
            }
        }
    })),
    broken('releases, then puts the successor in its place', ['streams.hold.successor-race'], streams => ({
        async release(id, stream, holder, successor) {
            await streams.release(id, stream, holder);
            await pause();
            if (successor !== undefined) {
                await streams.hold(id, stream, successor);
            }
        }
    })),
    broken('reads the holder before it sets the next one', ['streams.hold.concurrent'], streams => {
        const holders = new Map<string, string>();
        return {
            async hold(id, stream, holder) {
                const previous = holders.get(key(id, stream));
                await pause();
                holders.set(key(id, stream), holder);
                return { ...(await streams.hold(id, stream, holder)), previous };
            }
        };
    }),
    broken(
        'does not tell writers the holder',
        [...both('streams.hold.told'), 'streams.hold.told.closing', ...both('streams.ttl.held'), 'streams.hold.release'],
        telling(() => undefined)
    ),
    broken('sets the holder after hold has answered', both('streams.hold.then-read'), streams => ({
        async hold(...args) {
            const late = pause().then(pause);
            void late.then(() => streams.hold(...args));
            return { status: 'ok' };
        }
    })),
    broken(
        'ignores the case of stream ids',
        ['streams.isolated.streams'],
        renaming((id, stream) => [id, stream.toLowerCase()])
    ),
    broken(
        'cuts stream ids after 63 characters',
        ['streams.isolated.streams'],
        renaming((id, stream) => [id, stream.slice(0, 63)])
    ),
    {
        defect: 'keeps streams apart from sessions',
        fails: [
            'streams.isolated.sessions',
            'streams.absent-session',
            'streams.deleted-session',
            'streams.expired-session',
            'streams.racing-delete'
        ],
        backend: () => connectedBackend(apartFromSessions(stream => stream))
    },
    {
        defect: 'makes keys of ids without making sure that they are unique',
        fails: ['streams.isolated.ids'],
        backend: () => connectedBackend(apartFromSessions((stream, id) => `${id}-${stream}`, true))
    },
    {
        defect: 'finds the streams of former sessions',
        fails: ['streams.deleted-session', 'streams.expired-session', 'streams.racing-delete'],
        backend: () => connectedBackend(apartFromSessions((stream, id) => `${id.slice(-20)}_${stream}`.slice(0, 64), true))
    },
    broken('looks for the session first and writes then', ['streams.racing-delete'], (streams, { sessions }) => ({
        async append(id, stream, events, options) {
            const answer = await streams.append(id, stream, events, options);
            await pause();
            // What a store does that writes into a stream of its own: the stream is there again, for whoever creates the session.
            if (answer.status === 'ok' && (await sessions.touch(id, { ttlMs: 0 })).status === 'missing') {
                await sessions.create(id, { record: '', state: {}, ttlMs: longMs });
                await streams.append(id, stream, events, options);
            }
            return answer;
        }
    }))
];

/** Keeps all streams in one session that always exists. */
function apartFromSessions(rename: (streamId: string, sessionId: string) => string, checking = false): Change {
    return store => {
        const shared = 'all streams';
        const created = store.sessions.create(shared, { record: '', state: {}, ttlMs: 1e9 });
        const missing = async (id: string) => {
            await created;
            return checking && (await store.sessions.touch(id, { ttlMs: 0 })).status === 'missing';
        };
        const { streams } = store;
        return override(store, {
            streams: {
                append: async (id, stream, ...rest) =>
                    (await missing(id)) ? { status: 'missing' } : streams.append(shared, rename(stream, id), ...rest),
                publish: async (id, stream, ...rest) =>
                    (await missing(id)) ? { status: 'missing' } : streams.publish(shared, rename(stream, id), ...rest),
                read: async (id, stream, ...rest) =>
                    (await missing(id)) ? { status: 'unknown' } : streams.read(shared, rename(stream, id), ...rest),
                hold: async (id, stream, ...rest) =>
                    (await missing(id)) ? { status: 'missing' } : streams.hold(shared, rename(stream, id), ...rest),
                release: async (id, stream, ...rest) => streams.release(shared, rename(stream, id), ...rest)
            }
        });
    };
}

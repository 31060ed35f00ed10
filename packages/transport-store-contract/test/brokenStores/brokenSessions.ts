import type { NewSession, StoredSession } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { type FullStore, override } from '../support/delegates.js';
import { type Change, connectedBackend } from '../support/memoryBackends.js';
import { type BrokenStore, DefaultMap, pause } from './brokenStore.js';

const longMs = 120_000;

function broken(defect: string, fails: readonly string[], change: Change): BrokenStore {
    return { defect, fails, backend: () => connectedBackend(change) };
}

/** Changes what create is given. */
function creating(change: (session: NewSession, id: string) => NewSession): Change {
    return store => override(store, { sessions: { create: (id, session) => store.sessions.create(id, change(session, id)) } });
}

/** Changes what open returns of a session. */
function opening(change: (session: StoredSession, id: string) => StoredSession): Change {
    return store =>
        override(store, {
            sessions: {
                async open(id, access) {
                    const answer = await store.sessions.open(id, access);
                    return answer.status === 'ok' ? { ...answer, session: change(answer.session, id) } : answer;
                }
            }
        });
}

/** Changes every session id. */
function renaming(change: (id: string) => string): Change {
    return ({ sessions, ...store }) =>
        override(
            { sessions, ...store },
            {
                sessions: {
                    create: (id, session) => sessions.create(change(id), session),
                    touch: (id, access) => sessions.touch(change(id), access),
                    open: (id, access) => sessions.open(change(id), access),
                    update: (id, state) => sessions.update(change(id), state),
                    nodes: id => sessions.nodes(change(id)),
                    leave: (id, node) => sessions.leave(change(id), node),
                    delete: (id, access) => sessions.delete(change(id), access)
                }
            }
        );
}

/** Changes every principal, of sessions and of requests. */
function mapPrincipals(
    ofSessions: (principal?: string) => string | undefined,
    ofRequests: (principal?: string) => string | undefined
): Change {
    return ({ sessions, ...store }) =>
        override(
            { sessions, ...store },
            {
                sessions: {
                    create: (id, session) => sessions.create(id, { ...session, principal: ofSessions(session.principal) }),
                    touch: (id, access) => sessions.touch(id, { ...access, principal: ofRequests(access.principal) }),
                    open: (id, access) => sessions.open(id, { ...access, principal: ofRequests(access.principal) }),
                    delete: (id, access) => sessions.delete(id, { principal: ofRequests(access.principal) })
                }
            }
        );
}

/** Remembers with what sessions were created, which a store can do wrong things with. */
function knowingCreated(change: (store: FullStore, created: Map<string, NewSession>) => FullStore): Change {
    return store => {
        const created = new Map<string, NewSession>();
        const remembering = override(store, {
            sessions: {
                async create(id, session) {
                    const isNew = await store.sessions.create(id, session);
                    if (isNew) {
                        created.set(id, session);
                    }
                    return isNew;
                }
            }
        });
        return change(remembering, created);
    };
}

/** Keeps state and revision by itself, with a function that computes an update. */
function keepingState(
    update: (
        current: { state: Readonly<Record<string, string>>; revision: number },
        change: Readonly<Record<string, string>>
    ) => Promise<void> | void
): Change {
    return store => {
        const documents = new Map<string, { state: Readonly<Record<string, string>>; revision: number }>();
        return override(store, {
            sessions: {
                async create(id, session) {
                    const isNew = await store.sessions.create(id, session);
                    if (isNew) {
                        documents.set(id, { state: session.state, revision: 1 });
                    }
                    return isNew;
                },
                async update(id, change) {
                    const document = documents.get(id);
                    if (document === undefined) {
                        return undefined;
                    }
                    await update(document, change);
                    return document.revision;
                },
                async open(id, access) {
                    const answer = await store.sessions.open(id, access);
                    return answer.status === 'ok' ? { ...answer, session: { ...answer.session, ...documents.get(id) } } : answer;
                }
            }
        });
    };
}

/** Keeps the nodes by itself. */
function keepingNodes(join: (nodes: string[], node: string) => Promise<string[]> | string[]): Change {
    return store => {
        const nodesOf = new DefaultMap<string[]>(() => []);
        const add = async (id: string, node: string | undefined) => {
            if (node !== undefined) {
                nodesOf.set(id, await join(nodesOf.get(id), node));
            }
        };
        return override(store, {
            sessions: {
                async create(id, session) {
                    const isNew = await store.sessions.create(id, session);
                    if (isNew) {
                        nodesOf.delete(id);
                        await add(id, session.node);
                    }
                    return isNew;
                },
                async open(id, access) {
                    const answer = await store.sessions.open(id, access);
                    if (answer.status === 'ok') {
                        await add(id, access.node);
                    }
                    return answer;
                },
                async nodes(id) {
                    return nodesOf.get(id);
                },
                async delete(id, access) {
                    const answer = await store.sessions.delete(id, access);
                    return answer.status === 'ok' ? { ...answer, nodes: nodesOf.get(id) } : answer;
                }
            }
        });
    };
}

/** Does something after operations that succeeded, with the principal of the session. */
function renewingAfter(operation: 'update' | 'create' | 'append'): Change {
    return knowingCreated((store, created) => {
        const renew = (id: string) => store.sessions.touch(id, { principal: created.get(id)?.principal, ttlMs: longMs });
        const { create, update } = store.sessions;
        return override(store, {
            sessions: {
                async create(id, session) {
                    const isNew = await create(id, session);
                    if (operation === 'create' && !isNew) {
                        await renew(id);
                    }
                    return isNew;
                },
                async update(id, state) {
                    const revision = await update(id, state);
                    if (operation === 'update') {
                        await renew(id);
                    }
                    return revision;
                }
            },
            streams: {
                async append(id, ...rest) {
                    if (operation === 'append') {
                        await renew(id);
                    }
                    return store.streams.append(id, ...rest);
                }
            }
        });
    });
}

/** Stores that get session records wrong. */
export const brokenSessions: readonly BrokenStore[] = [
    broken('cannot be reached', ['store.ping'], store =>
        override(store, {
            async ping() {
                throw new Error('unreachable');
            }
        })
    ),
    broken(
        'trims records',
        ['sessions.create.round-trip'],
        creating(session => ({ ...session, record: session.record.trim() }))
    ),
    broken(
        'ends texts at NUL',
        ['sessions.create.round-trip', 'sessions.create.state-names'],
        creating(session => ({
            ...session,
            state: Object.fromEntries(
                Object.entries(session.state).map(([name, text]) => [name.replace(/\0.*/s, ''), text.replace(/\0.*/s, '')])
            )
        }))
    ),
    broken(
        'assigns state fields, so that __proto__ is lost',
        ['sessions.create.state-names'],
        opening(session => {
            const state: Record<string, string> = {};
            for (const [name, text] of Object.entries(session.state)) {
                state[name] = text;
            }
            return { ...session, state };
        })
    ),
    broken('assigns updated fields, so that __proto__ is lost', ['sessions.update.state-names'], store =>
        override(store, {
            sessions: {
                update(id, change) {
                    const state: Record<string, string> = {};
                    for (const [name, text] of Object.entries(change)) {
                        state[name] = text;
                    }
                    return store.sessions.update(id, state);
                }
            }
        })
    ),
    broken(
        'cuts records after 64 KB',
        ['sessions.create.large'],
        creating(session => ({ ...session, record: session.record.slice(0, 65_536) }))
    ),
    broken(
        'ignores the case of session ids',
        ['sessions.create.ids'],
        renaming(id => id.toLowerCase())
    ),
    broken(
        'takes session ids for patterns',
        ['sessions.create.ids'],
        renaming(id => id.replaceAll(/[*?%_]/g, '*'))
    ),
    broken(
        'cuts session ids after 255 characters',
        ['sessions.create.ids'],
        renaming(id => id.slice(0, 255))
    ),
    broken('updates an existing session in create', ['sessions.create.existing'], store =>
        override(store, {
            sessions: {
                async create(id, session) {
                    const isNew = await store.sessions.create(id, session);
                    if (!isNew) {
                        await store.sessions.update(id, session.state);
                    }
                    return isNew;
                }
            }
        })
    ),
    broken('overwrites an existing session in create', ['sessions.create.concurrent'], store =>
        override(store, {
            sessions: {
                async create(id, session) {
                    await store.sessions.delete(id, session);
                    return store.sessions.create(id, session);
                }
            }
        })
    ),
    broken('creates in two steps', ['sessions.create.concurrent'], store => {
        const known = new Set<string>();
        return override(store, {
            sessions: {
                async create(id, session) {
                    if (known.has(id)) {
                        return store.sessions.create(id, session);
                    }
                    await pause();
                    known.add(id);
                    await store.sessions.delete(id, {});
                    return store.sessions.create(id, session);
                }
            }
        });
    }),
    broken('keeps the state object that it was given', ['sessions.create.copies'], store => {
        const states = new Map<string, Readonly<Record<string, string>>>();
        return override(store, {
            sessions: {
                create(id, session) {
                    states.set(id, session.state);
                    return store.sessions.create(id, session);
                },
                async open(id, access) {
                    const answer = await store.sessions.open(id, access);
                    const state = states.get(id) ?? {};
                    return answer.status === 'ok' ? { ...answer, session: { ...answer.session, state } } : answer;
                }
            }
        });
    }),
    broken('takes an absent node for one', ['sessions.create.without-node'], store =>
        override(store, { sessions: { open: (id, access) => store.sessions.open(id, { ...access, node: `${access.node}` }) } })
    ),
    broken('makes the session that it touches', ['sessions.missing', 'sessions.delete.gone', 'sessions.update.racing-delete'], store =>
        override(store, {
            sessions: {
                async touch(id, access) {
                    const answer = await store.sessions.touch(id, access);
                    if (answer.status !== 'missing') {
                        return answer;
                    }
                    await store.sessions.create(id, { record: '', state: {}, ...access });
                    return { status: 'ok', revision: 1 };
                }
            }
        })
    ),
    broken('always tells revision 1 in touch', ['sessions.touch.ok'], store =>
        override(store, {
            sessions: {
                async touch(id, access) {
                    const answer = await store.sessions.touch(id, access);
                    return answer.status === 'ok' ? { ...answer, revision: 1 } : answer;
                }
            }
        })
    ),
    broken(
        'stores an empty principal as none',
        ['sessions.principal.equal', 'sessions.principal.other'],
        mapPrincipals(
            principal => principal || undefined,
            principal => principal
        )
    ),
    broken(
        'takes an absent principal for an empty one',
        ['sessions.principal.other'],
        mapPrincipals(
            principal => principal ?? '',
            principal => principal ?? ''
        )
    ),
    broken(
        'renews before it checks the principal',
        ['sessions.principal.no-renewal'],
        knowingCreated((store, created) =>
            override(store, {
                sessions: {
                    async touch(id, access) {
                        await store.sessions.touch(id, { ...access, principal: created.get(id)?.principal });
                        return store.sessions.touch(id, access);
                    }
                }
            })
        )
    ),
    broken(
        'joins a stranger’s node',
        ['sessions.principal.other'],
        knowingCreated((store, created) =>
            override(store, {
                sessions: {
                    async open(id, access) {
                        await store.sessions.open(id, { ...access, principal: created.get(id)?.principal });
                        return store.sessions.open(id, access);
                    }
                }
            })
        )
    ),
    broken('does not renew in touch', ['sessions.ttl.touch', 'sessions.ttl.sliding'], store =>
        override(store, { sessions: { touch: (id, access) => store.sessions.touch(id, { ...access, ttlMs: 0 }) } })
    ),
    broken('does not renew in open', ['sessions.ttl.open'], store =>
        override(store, { sessions: { open: (id, access) => store.sessions.open(id, { ...access, ttlMs: 0 }) } })
    ),
    broken('renews only once', ['sessions.ttl.sliding'], store => {
        const renewed = new Set<string>();
        return override(store, {
            sessions: {
                touch(id, access) {
                    const ttlMs = renewed.has(id) ? 0 : access.ttlMs;
                    renewed.add(id);
                    return store.sessions.touch(id, { ...access, ttlMs });
                }
            }
        });
    }),
    broken('shortens a lifetime in touch', ['sessions.ttl.not-shortened'], store => {
        const ends = new Map<string, number>();
        return override(store, {
            sessions: {
                async touch(id, access) {
                    if ((ends.get(id) ?? Infinity) <= Date.now()) {
                        return { status: 'missing' };
                    }
                    ends.set(id, Date.now() + access.ttlMs);
                    return store.sessions.touch(id, access);
                }
            }
        });
    }),
    broken('renews in update', ['sessions.ttl.update'], renewingAfter('update')),
    broken('renews in a creation that fails', ['sessions.ttl.create'], renewingAfter('create')),
    broken('renews in append', ['sessions.ttl.streams'], renewingAfter('append')),
    broken(
        'ignores maxAgeMs',
        ['sessions.max-age.touch', 'sessions.max-age.open'],
        creating(session => ({ ...session, maxAgeMs: undefined }))
    ),
    broken(
        'lets sessions live for maxAgeMs',
        ['sessions.max-age.beyond-ttl'],
        creating(session => ({ ...session, ttlMs: session.maxAgeMs ?? session.ttlMs }))
    ),
    broken(
        'lets no session expire',
        [
            'sessions.ttl.update',
            'sessions.max-age.touch',
            'sessions.expiry.absent',
            'sessions.expiry.created-anew',
            'streams.expired-session'
        ],
        creating(session => ({ ...session, ttlMs: longMs, maxAgeMs: undefined }))
    ),
    broken(
        'makes the session that it updates',
        ['sessions.expiry.absent', 'sessions.update.deleted', 'sessions.update.racing-delete'],
        knowingCreated((store, created) =>
            override(store, {
                sessions: {
                    async update(id, state) {
                        const revision = await store.sessions.update(id, state);
                        if (revision === undefined && created.has(id)) {
                            await store.sessions.create(id, { record: '', state, ttlMs: longMs });
                        }
                        return revision;
                    }
                }
            })
        )
    ),
    broken(
        'keeps the nodes of former sessions',
        ['sessions.expiry.created-anew', 'sessions.delete.gone', 'sessions.update.racing-delete'],
        store => {
            const former = new DefaultMap<Set<string>>(() => new Set());
            return override(store, {
                sessions: {
                    create(id, session) {
                        former.get(id).add(session.node ?? 'x');
                        return store.sessions.create(id, session);
                    },
                    async nodes(id) {
                        const nodes = await store.sessions.nodes(id);
                        return (await store.sessions.touch(id, { ttlMs: 0 })).status === 'ok'
                            ? [...new Set([...nodes, ...former.get(id)])]
                            : nodes;
                    }
                }
            });
        }
    ),
    broken(
        'replaces the state in update',
        ['sessions.update.merge'],
        keepingState((document, change) => {
            document.state = { ...change };
            document.revision += 1;
        })
    ),
    broken(
        'reads, then writes in update',
        ['sessions.update.concurrent', 'sessions.update.same-field'],
        keepingState(async (document, change) => {
            const { state, revision } = document;
            await pause();
            document.state = { ...state, ...change };
            document.revision = revision + 1;
        })
    ),
    broken('does nothing in an update of no field', ['sessions.update.empty'], store =>
        override(store, {
            sessions: {
                update: async (id, state) => (Object.keys(state).length === 0 ? 1 : store.sessions.update(id, state))
            }
        })
    ),
    broken('only says that it deletes', ['sessions.delete.gone', 'sessions.delete.twice', 'sessions.delete.concurrent'], store =>
        override(store, {
            sessions: {
                async delete(id, access) {
                    const answer = await store.sessions.touch(id, { ...access, ttlMs: 0 });
                    return answer.status === 'ok' ? { status: 'ok', nodes: await store.sessions.nodes(id) } : answer;
                }
            }
        })
    ),
    broken(
        'deletes as often as it is asked to',
        ['sessions.delete.twice', 'sessions.delete.concurrent'],
        knowingCreated((store, created) =>
            override(store, {
                sessions: {
                    async delete(id, access) {
                        const answer = await store.sessions.delete(id, access);
                        return answer.status === 'missing' && created.has(id) ? { status: 'ok', nodes: [] } : answer;
                    }
                }
            })
        )
    ),
    broken('forgets the nodes in delete', ['sessions.nodes.set', 'sessions.nodes.leave', 'sessions.nodes.concurrent'], store =>
        override(store, {
            sessions: {
                async delete(id, access) {
                    const answer = await store.sessions.delete(id, access);
                    return answer.status === 'ok' ? { ...answer, nodes: [] } : answer;
                }
            }
        })
    ),
    broken(
        'keeps a list of nodes, not a set',
        ['sessions.nodes.set'],
        keepingNodes((nodes, node) => [...nodes, node])
    ),
    broken(
        'reads, then writes the nodes',
        ['sessions.nodes.concurrent'],
        keepingNodes(async (nodes, node) => {
            const joined = [...new Set([...nodes, node])];
            await pause();
            return joined;
        })
    ),
    broken('lets all nodes leave at once', ['sessions.nodes.leave'], store =>
        override(store, {
            sessions: {
                async leave(id) {
                    for (const node of await store.sessions.nodes(id)) {
                        await store.sessions.leave(id, node);
                    }
                }
            }
        })
    ),
    broken('joins the nodes after it has opened', ['sessions.open.racing-delete'], store =>
        override(store, {
            sessions: {
                async open(id, access) {
                    const answer = await store.sessions.open(id, { ...access, node: undefined });
                    await pause();
                    await store.sessions.open(id, access);
                    return answer;
                }
            }
        })
    ),
    broken('deletes after it has read the nodes', ['sessions.open.racing-delete'], store =>
        override(store, {
            sessions: {
                async delete(id, access) {
                    const nodes = await store.sessions.nodes(id);
                    await pause();
                    const answer = await store.sessions.delete(id, access);
                    return answer.status === 'ok' ? { ...answer, nodes } : answer;
                }
            }
        })
    )
];

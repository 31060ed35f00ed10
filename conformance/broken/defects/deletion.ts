import { type NewSession, type TransportStore } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { withCarelessStreams } from '../carelessStreams.ts';
import { type Defect } from '../defect.ts';
import { changed } from '../delegate.ts';
import { kindOf } from '../kinds.ts';
import { sessionOf } from '../mcpRequest.ts';
import { withStatus } from '../rewriting.ts';

/** Changes how sessions are deleted. */
function deletes(title: string, change: (store: TransportStore) => TransportStore['sessions']['delete']): Defect {
    return {
        title,
        make: () => ({ store: store => changed(store, { sessions: changed(store.sessions, { delete: change(store) }) }) })
    };
}

/** Changes with which status DELETE is answered. */
function answersDelete(title: string, change: (response: Response) => Response): Defect {
    return {
        title,
        make: () => ({
            serve: next => async request => {
                const response = await next(request);
                return kindOf(request) === 'delete' ? change(response) : response;
            }
        })
    };
}

export const deletionDefects = {
    'delete-where-known': {
        title: 'Accepts DELETE only where the session was used before',
        make: () => ({
            serve: next => {
                const known = new Set<string | undefined>();
                return async request => {
                    if (kindOf(request) === 'delete' && !known.has(sessionOf(request))) {
                        return new Response('no such session', { status: 404 });
                    }
                    const response = await next(request);
                    known.add(sessionOf(request)).add(response.headers.get('mcp-session-id') ?? undefined);
                    return response;
                };
            }
        })
    },
    'delete-keeps-record': deletes('Says that it has deleted a session, and keeps it', store => async id => ({
        status: 'ok',
        nodes: await store.sessions.nodes(id)
    })),
    'delete-always-succeeds': answersDelete('Answers every DELETE with 200, whatever the session', response => withStatus(response, 200)),
    'delete-race-is-500': answersDelete('Fails when a session that it deletes is gone', response =>
        response.status === 404 ? withStatus(response, 500) : response
    ),
    'delete-tells-nobody': {
        title: 'Deletes the record of a session, and lets all that runs go on',
        make: () => ({
            store: store =>
                changed(withCarelessStreams(store), {
                    sessions: changed(store.sessions, {
                        delete: async (id, access) => {
                            const deleted = await store.sessions.delete(id, access);
                            return deleted.status === 'ok' ? { ...deleted, nodes: [] } : deleted;
                        }
                    })
                })
        })
    },
    'late-write-revives': {
        title: 'Brings a deleted session back with a write that was on its way',
        make: () => {
            const sessions = new Map<string, NewSession>();
            const written = new Set<string>();
            return {
                store: store =>
                    changed(store, {
                        sessions: changed(store.sessions, {
                            create: (id, session) => {
                                sessions.set(id, session);
                                return store.sessions.create(id, session);
                            },
                            update: (id, state) => {
                                if ('logLevel' in state) {
                                    written.add(id);
                                }
                                return store.sessions.update(id, state);
                            },
                            delete: async (id, access) => {
                                const deleted = await store.sessions.delete(id, access);
                                const session = sessions.get(id);
                                if (written.has(id) && session !== undefined) {
                                    await store.sessions.create(id, session);
                                }
                                return deleted;
                            }
                        })
                    })
            };
        }
    },
    'delete-ends-all': {
        title: 'Deletes all sessions instead of one',
        make: () => {
            const ids = new Set<string>();
            return {
                store: store =>
                    changed(store, {
                        sessions: changed(store.sessions, {
                            create: (id, session) => {
                                ids.add(id);
                                return store.sessions.create(id, session);
                            },
                            delete: async (id, access) => {
                                const deleted = await store.sessions.delete(id, access);
                                await Promise.all([...ids].map(other => store.sessions.delete(other, access)));
                                return deleted;
                            }
                        })
                    })
            };
        }
    }
} satisfies Record<string, Defect>;

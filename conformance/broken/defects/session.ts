import { type TransportStore } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { setTimeout as delay } from 'node:timers/promises';
import { type Defect } from '../defect.ts';
import { ignore } from '../ignore.ts';
import { changed } from '../delegate.ts';
import { sessionOf, withHeaders } from '../mcpRequest.ts';
import { isInitialize } from '../kinds.ts';
import { withResponseHeaders, withStatus } from '../rewriting.ts';

/** Long enough for other requests to come meanwhile. */
const restoringMs = 100;

/** Changes what nodes read of the record of a session. */
function misreads(what: string, change: (initialize: Record<string, unknown>) => Record<string, unknown>): Defect {
    return {
        title: `Restores sessions without ${what}`,
        make: () => ({
            store: store =>
                changed(store, {
                    sessions: changed(store.sessions, {
                        open: async (sessionId, access) => {
                            const opened = await store.sessions.open(sessionId, access);
                            if (opened.status !== 'ok') {
                                return opened;
                            }
                            const record = JSON.parse(opened.session.record) as { initialize: Record<string, unknown> };
                            const text = JSON.stringify({ ...record, initialize: change(record.initialize) });
                            return { ...opened, session: { ...opened.session, record: text } };
                        }
                    })
                })
        })
    };
}

/** Changes for how long sessions are kept. */
function keeps(title: string, { first, later }: { first: (ttlMs: number) => number; later: (ttlMs: number) => number }): Defect {
    const store = (store: TransportStore): TransportStore =>
        changed(store, {
            sessions: changed(store.sessions, {
                create: (id, session) => store.sessions.create(id, { ...session, ttlMs: first(session.ttlMs) }),
                touch: (id, access) => store.sessions.touch(id, { ...access, ttlMs: later(access.ttlMs) }),
                open: (id, access) => store.sessions.open(id, { ...access, ttlMs: later(access.ttlMs) })
            })
        });
    return { title, make: () => ({ store }) };
}

export const sessionDefects = {
    'session-ids-not-ascii': {
        title: 'Gives session ids with a blank in them',
        make: () => ({
            serve: next => async request => {
                const response = await next(request);
                const id = response.headers.get('mcp-session-id');
                return id === null ? response : withResponseHeaders(response, { 'mcp-session-id': `session ${id}` });
            }
        })
    },
    'session-ids-counted': {
        title: 'Counts its sessions, and names them so',
        make: () => {
            let last = 0;
            return { options: { sessionIdGenerator: () => `session-${String(++last).padStart(6, '0')}` } };
        }
    },
    'record-stored-late': {
        title: 'Answers initialize before the session is stored',
        make: () => ({
            store: store =>
                changed(store, {
                    sessions: changed(store.sessions, {
                        create: (id, session) => {
                            delay(300)
                                .then(() => store.sessions.create(id, session))
                                .catch(ignore);
                            return Promise.resolve(true);
                        }
                    })
                })
        })
    },
    'missing-session-is-404': {
        title: 'Answers 404 where there is no session id',
        make: () => ({
            serve: next => async request => {
                const response = await next(request);
                return sessionOf(request) === undefined && response.status === 400 ? withStatus(response, 404) : response;
            }
        })
    },
    'unknown-session-is-400': {
        title: 'Answers 400 for a session that it does not know',
        make: () => ({
            serve: next => async request => {
                const response = await next(request);
                return response.status === 404 ? withStatus(response, 400) : response;
            }
        })
    },
    'malformed-session-is-500': {
        title: 'Fails when a session id is malformed',
        make: () => ({
            serve: next => async request => {
                const response = await next(request);
                return /\s|.{257}/.test(sessionOf(request) ?? '') ? withStatus(response, 500) : response;
            }
        })
    },
    'client-info-forgotten': misreads('what the client is called', initialize => ({
        ...initialize,
        clientInfo: { name: 'unknown', version: '0' }
    })),
    'capabilities-forgotten': misreads('what the client is capable of', initialize => ({ ...initialize, capabilities: {} })),
    'changes-stay-local': {
        title: 'Keeps changes of a session on the node that made them',
        make: () => ({
            store: store => changed(store, { sessions: changed(store.sessions, { update: () => Promise.resolve(1) }) })
        })
    },
    'initialized-stays-local': {
        title: 'Serves a session only where notifications/initialized has come',
        make: () => ({
            serve: next => {
                const initialized = new Set<string | undefined>();
                return request => {
                    if (request.body.includes('notifications/initialized')) {
                        initialized.add(sessionOf(request));
                    } else if (request.body.includes('tools/call') && !initialized.has(sessionOf(request))) {
                        return Promise.resolve(new Response('not initialized', { status: 400 }));
                    }
                    return next(request);
                };
            }
        })
    },
    'newest-version-only': {
        title: 'Goes on with the newest protocol version only, whatever was negotiated elsewhere',
        make: () => ({
            serve: next => {
                const known = new Set<string | undefined>();
                return async request => {
                    const version = request.headers.get('mcp-protocol-version') ?? '2025-11-25';
                    if (sessionOf(request) !== undefined && version !== '2025-11-25' && !known.has(sessionOf(request))) {
                        return new Response(`version ${version}`, { status: 400 });
                    }
                    const response = await next(request);
                    known.add(response.headers.get('mcp-session-id') ?? undefined);
                    return response;
                };
            }
        })
    },
    'shown-before-restored': {
        title: 'Does not know a session while it is being restored for another request',
        make: () => ({
            serve: next => {
                const restoring = new Set<string>();
                const restored = new Set<string>();
                return async request => {
                    const session = sessionOf(request);
                    if (session === undefined || restored.has(session)) {
                        return next(request);
                    }
                    if (restoring.has(session)) {
                        return new Response('no such session', { status: 404 });
                    }
                    restoring.add(session);
                    await delay(restoringMs);
                    restored.add(session);
                    return next(request);
                };
            }
        })
    },
    'initializes-again': {
        title: 'Lets a session be initialized twice',
        make: () => ({
            serve: next => request => next(isInitialize(request) ? withHeaders(request, { 'mcp-session-id': undefined }) : request)
        })
    },
    'sessions-mixed-up': {
        title: 'Now and then serves a request in the session of the one before',
        make: () => ({
            serve: next => {
                let before: string | undefined;
                let turn = 0;
                return request => {
                    const session = before;
                    before = sessionOf(request);
                    const isWrong = ++turn % 5 === 0 && session !== undefined && before !== undefined;
                    return next(isWrong ? withHeaders(request, { 'mcp-session-id': session }) : request);
                };
            }
        })
    },
    'requests-one-by-one': {
        title: 'Refuses more than a few requests at a time',
        make: () => ({
            serve: next => {
                let running = 0;
                return async request => {
                    if (running > 4) {
                        return new Response('busy', { status: 429 });
                    }
                    running++;
                    try {
                        const response = await next(request);
                        // The time that requests take to be answered in full.
                        void delay(100).then(() => running--);
                        return response;
                    } catch (error) {
                        running--;
                        throw error;
                    }
                };
            }
        })
    },
    'never-expires': keeps('Ends no sessions', { first: ttlMs => ttlMs * 1_000, later: ttlMs => ttlMs * 1_000 }),
    'use-does-not-renew': keeps('Ends sessions some time after they were made, used or not', { first: ttlMs => ttlMs, later: () => 1 }),
    'notifications-dropped': {
        title: 'Accepts notifications and does nothing with them',
        make: () => ({
            serve: next => request => {
                const isNotification = request.body.includes('"method":"notifications/') && sessionOf(request) !== undefined;
                return isNotification ? Promise.resolve(new Response(null, { status: 202 })) : next(request);
            }
        })
    }
} satisfies Record<string, Defect>;

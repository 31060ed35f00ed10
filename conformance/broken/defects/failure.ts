import { InMemoryTransportStore } from '@modelcontextprotocol/sdk/server/inMemoryTransportStore.js';
import { withCarelessStreams } from '../carelessStreams.ts';
import { type Defect } from '../defect.ts';
import { changed } from '../delegate.ts';
import { kindOf } from '../kinds.ts';
import { changeMessages, withResponseHeaders, withStatus } from '../rewriting.ts';
import { withStreams } from './streams.ts';

/** Changes how a request is answered that a node can't serve. */
function refuses(title: string, change: (response: Response) => Response): Defect {
    return {
        title,
        make: () => ({
            serve: next => async request => {
                const response = await next(request);
                return response.status === 503 ? change(response) : response;
            }
        })
    };
}

export const failureDefects = {
    'store-failure-is-404': refuses('Says that a session does not exist when it can not find out', response => withStatus(response, 404)),
    'no-retry-after': refuses('Does not say when to try again', response => withResponseHeaders(response, { 'retry-after': undefined })),
    'refuses-in-words': refuses('Refuses requests with plain text', () => {
        const headers = { 'content-type': 'text/plain', 'retry-after': '1' };
        return new Response('Service Unavailable', { status: 503, headers });
    }),
    'always-ready': { title: 'Says that it is ready, whatever happens', make: () => ({ isReady: () => Promise.resolve(true) }) },
    'serves-without-store': {
        title: 'Serves the sessions that it has in memory without asking the store that is away',
        make: () => ({
            store: store => {
                const revisions = new Map<string, number>();
                return changed(withCarelessStreams(store), {
                    sessions: changed(store.sessions, {
                        touch: async (id, access) => {
                            try {
                                const touched = await store.sessions.touch(id, access);
                                if (touched.status === 'ok') {
                                    revisions.set(id, touched.revision);
                                }
                                return touched;
                            } catch {
                                return { status: 'ok', revision: revisions.get(id) ?? 1 };
                            }
                        }
                    })
                });
            }
        })
    },
    'outage-forgets-sessions': {
        title: 'Forgets its sessions when the store was away',
        make: () => ({
            serve: next => {
                let wasAway = false;
                return async request => {
                    const response = await next(request);
                    wasAway ||= response.status === 503;
                    return wasAway && response.status === 200 ? withStatus(response, 404) : response;
                };
            }
        })
    },
    'outage-ends-publishing': {
        title: 'Loses all messages from the time on when the store was away',
        make: () => ({
            store: store => {
                let wasAway = false;
                const noticing = changed(store, {
                    sessions: changed(store.sessions, {
                        touch: async (id, access) => {
                            try {
                                return await store.sessions.touch(id, access);
                            } catch (error) {
                                wasAway = true;
                                throw error;
                            }
                        }
                    })
                });
                return withStreams(noticing, streams => ({
                    publish: (session, stream, data, retention) =>
                        wasAway
                            ? Promise.resolve({ status: 'ok', positions: data.map(() => '0') })
                            : streams.publish(session, stream, data, retention)
                }));
            }
        })
    },
    'sessions-stay-local': {
        title: 'Keeps sessions in the memory of the process that made them',
        make: () => ({ store: () => new InMemoryTransportStore() })
    },
    'deleted-elsewhere-ignored': {
        title: 'Goes on with a session that it knows although it was deleted elsewhere',
        make: () => ({
            store: store => {
                const known = new Map<string, { readonly status: 'ok'; readonly revision: number }>();
                const { inboxes } = store;
                return changed(withCarelessStreams(store), {
                    sessions: changed(store.sessions, {
                        touch: async (id, access) => {
                            const touched = await store.sessions.touch(id, access);
                            if (touched.status === 'ok') {
                                known.set(id, touched);
                            }
                            return touched.status === 'missing' ? (known.get(id) ?? touched) : touched;
                        }
                    }),
                    ...(inboxes === undefined
                        ? {}
                        : {
                              inboxes: changed(inboxes, {
                                  send: (node, messages) =>
                                      inboxes.send(
                                          node,
                                          messages.filter(message => !message.includes('"deleted"'))
                                      )
                              })
                          })
                });
            }
        })
    },
    'orphans-left-alone': {
        title: 'Waits for ever for nodes that are dead',
        make: () => ({
            store: store => {
                const { inboxes } = store;
                return inboxes === undefined
                    ? store
                    : changed(store, { inboxes: changed(inboxes, { alive: nodes => Promise.resolve(nodes) }) });
            }
        })
    },
    'orphans-answered-twice': {
        title: 'Answers for a dead node twice',
        make: () => ({
            serve: next => async request => {
                const response = await next(request);
                return kindOf(request) === 'resume'
                    ? changeMessages(response, message => (message.error === undefined ? [message] : [message, message]))
                    : response;
            }
        })
    },
    'late-results-replace-errors': {
        title: 'Lets the result of a node that was frozen take the place of the error that was given for it',
        make: () => {
            const answered = new Set<unknown>();
            return {
                serve: next => async request => {
                    const response = await next(request);
                    return kindOf(request) === 'resume'
                        ? changeMessages(response, message => {
                              if (message.error === undefined || answered.size !== answered.add(message.id).size) {
                                  return [message];
                              }
                              return [{ jsonrpc: '2.0', id: message.id, result: { content: [] } }];
                          })
                        : response;
                }
            };
        }
    }
} satisfies Record<string, Defect>;

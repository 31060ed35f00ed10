import { setTimeout as delay } from 'node:timers/promises';
import { type EventStreams, type TransportStore } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { type Defect } from '../defect.ts';
import { ignore } from '../ignore.ts';
import { changed } from '../delegate.ts';
import { kindOf } from '../kinds.ts';
import { messagesIn, sessionOf, withMessages } from '../mcpRequest.ts';
import { changeMessages, type ServerSentEvent, withInserter } from '../rewriting.ts';
import { isRequest, isResponse, type JsonRpcMessage } from '../../src/http/jsonRpcMessage.ts';

/** Changes the event streams of a store. */
export function withStreams(store: TransportStore, change: (streams: EventStreams) => Partial<EventStreams>): TransportStore {
    const { streams } = store;
    return streams === undefined ? store : changed(store, { streams: changed(streams, change(streams)) });
}

function withoutStreams(store: TransportStore): TransportStore {
    const { sessions, inboxes } = store;
    return { sessions, ...(inboxes === undefined ? {} : { inboxes }), ping: () => store.ping() };
}

/** Copies what comes on one kind of stream to the open streams of another kind, in the same session. */
function copies(title: string, fits: (message: JsonRpcMessage) => boolean, from: 'request' | 'listen'): Defect {
    const to = from === 'request' ? 'listen' : 'request';
    return {
        title,
        make: () => {
            const readers = new Map<string | undefined, Set<(event: ServerSentEvent) => void>>();
            return {
                serve: next => async request => {
                    const response = await next(request);
                    const session = sessionOf(request);
                    const ofSession = readers.get(session) ?? new Set();
                    readers.set(session, ofSession);
                    switch (kindOf(request)) {
                        case to:
                            return withInserter(response, insert => ofSession.add(insert));
                        case from:
                            return changeMessages(response, message => {
                                if (fits(message)) {
                                    ofSession.forEach(insert => insert({ data: JSON.stringify(message) }));
                                }
                                return [message];
                            });
                        default:
                            return response;
                    }
                }
            };
        }
    };
}

const isAnnouncement = ({ method }: JsonRpcMessage): boolean => method === 'notifications/message';
const longText = 10_000;
/** Longer than the next message takes. */
const lateMs = 100;

export const streamDefects = {
    'streams-stay-local': { title: 'Keeps events on the node that made them', make: () => ({ store: withoutStreams }) },
    'publishes-twice': {
        title: 'Stores each message twice',
        make: () => ({
            store: store =>
                withStreams(store, streams => ({
                    publish: (session, stream, data, retention) =>
                        streams.publish(
                            session,
                            stream,
                            data.flatMap(each => [each, each]),
                            retention
                        )
                }))
        })
    },
    'publishes-out-of-order': {
        title: 'Now and then stores a message after the next one',
        make: () => ({
            store: store =>
                withStreams(store, streams => {
                    let turn = 0;
                    return {
                        publish: (session, stream, data, retention) => {
                            if (++turn % 7 !== 0) {
                                return streams.publish(session, stream, data, retention);
                            }
                            delay(lateMs)
                                .then(() => streams.publish(session, stream, data, retention))
                                .catch(ignore);
                            return Promise.resolve({ status: 'ok', positions: data.map(() => '0') });
                        }
                    };
                })
        })
    },
    'messages-lost': {
        title: 'Now and then loses a message',
        make: () => ({
            store: store =>
                withStreams(store, streams => {
                    let turn = 0;
                    return {
                        publish: (session, stream, data, retention) =>
                            ++turn % 7 === 0
                                ? Promise.resolve({ status: 'ok', positions: data.map(() => '0') })
                                : streams.publish(session, stream, data, retention)
                    };
                })
        })
    },
    'large-messages-cut': {
        title: 'Cuts long messages off',
        make: () => ({
            serve: next => async request =>
                changeMessages(await next(request), message => {
                    const text = JSON.stringify(message.params?.data ?? null);
                    const isLong = isAnnouncement(message) && text.length > longText;
                    return [
                        isLong
                            ? {
                                  ...message,
                                  params: { level: 'info', data: { ...message.params, text: text.slice(0, longText), i: 0, node: '' } }
                              }
                            : message
                    ];
                })
        })
    },
    'published-to-all-sessions': {
        title: 'Sends messages to all sessions',
        make: () => {
            const standalone = new Map<string, string>();
            return {
                store: store =>
                    withStreams(store, streams => ({
                        hold: (session, stream, holder) => {
                            standalone.set(session, stream);
                            return streams.hold(session, stream, holder);
                        },
                        publish: async (session, stream, data, retention) => {
                            for (const [other, itsStream] of standalone) {
                                if (other !== session) {
                                    await streams.publish(other, itsStream, data, retention);
                                }
                            }
                            return streams.publish(session, stream, data, retention);
                        }
                    }))
            };
        }
    },
    broadcasts: copies('Sends messages on several streams of a session', isAnnouncement, 'listen'),
    'second-listener-refused': {
        title: 'Refuses to open the standalone stream while an old connection seems to have it',
        make: () => {
            const listening = new Set<string | undefined>();
            return {
                serve: next => request => {
                    if (kindOf(request) !== 'listen') {
                        return next(request);
                    }
                    const session = sessionOf(request);
                    if (listening.has(session)) {
                        return Promise.resolve(new Response('Conflict', { status: 409 }));
                    }
                    listening.add(session);
                    request.disconnected.addEventListener('abort', () => listening.delete(session));
                    return next(request);
                }
            };
        }
    },
    'drops-without-listener': {
        title: 'Drops messages while nobody listens',
        make: () => {
            const held = new Set<string>();
            return {
                store: store =>
                    withStreams(store, streams => ({
                        hold: (session, stream, holder) => {
                            held.add(stream);
                            return streams.hold(session, stream, holder);
                        },
                        release: (session, stream, ...holders) => {
                            held.delete(stream);
                            return streams.release(session, stream, ...holders);
                        },
                        publish: (session, stream, data, retention) =>
                            held.has(stream)
                                ? streams.publish(session, stream, data, retention)
                                : Promise.resolve({ status: 'ok', positions: data.map(() => '0') })
                    }))
            };
        }
    },
    'progress-after-response': {
        title: 'Sends progress after the response',
        make: () => ({
            serve: next => async request => {
                const held: JsonRpcMessage[] = [];
                return changeMessages(await next(request), message => {
                    if (message.method === 'notifications/progress') {
                        held.push(message);
                        return [];
                    }
                    return isResponse(message) ? [message, ...held] : [message];
                });
            }
        })
    },
    'progress-on-standalone': copies(
        'Sends progress on the standalone stream too',
        ({ method }) => method === 'notifications/progress',
        'request'
    ),
    'questions-on-standalone': copies('Sends questions on the standalone stream too', isRequest, 'request'),
    'responses-on-standalone': copies('Sends responses on the standalone stream too', isResponse, 'request'),
    'disconnect-cancels': {
        title: 'Takes the end of a connection for a cancellation',
        make: () => ({
            serve: next => request => {
                const [message] = messagesIn(request);
                if (message !== undefined && isRequest(message)) {
                    const cancellation = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: message.id } };
                    request.disconnected.addEventListener('abort', () => void next(withMessages(request, [cancellation])).catch(ignore));
                }
                return next(request);
            }
        })
    }
} satisfies Record<string, Defect>;

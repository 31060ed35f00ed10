import { type Defect } from '../defect.ts';
import { kindOf } from '../kinds.ts';
import { sessionOf, withHeaders } from '../mcpRequest.ts';
import { changeEvents, messagesOf, type ServerSentEvent } from '../rewriting.ts';
import { isRequest } from '../../src/http/jsonRpcMessage.ts';
import { withStreams } from './streams.ts';

/** Changes the events of streams that are resumed. @param make is called for each of them. */
function resumes(title: string, make: () => (event: ServerSentEvent) => readonly ServerSentEvent[]): Defect {
    return {
        title,
        make: () => ({
            serve: next => async request => {
                const response = await next(request);
                return kindOf(request) === 'resume' ? changeEvents(response, make()) : response;
            }
        })
    };
}

/** Refuses to resume some streams. */
function refusesToResume(title: string, make: () => (lastEventId: string) => boolean, status = 400): Defect {
    return {
        title,
        make: () => {
            const isRefused = make();
            return {
                serve: next => request => {
                    const lastEventId = request.headers.get('last-event-id');
                    const isWrong = lastEventId !== null && isRefused(lastEventId);
                    return isWrong ? Promise.resolve(new Response('not this one', { status })) : next(request);
                }
            };
        }
    };
}

/** Notes which session each event id was given in. */
function watchesEventIds(
    change: (lastEventId: string, owners: ReadonlyMap<string, string>) => Record<string, string | undefined>
): Defect['make'] {
    return () => {
        const owners = new Map<string, string>();
        return {
            serve: next => async request => {
                const lastEventId = request.headers.get('last-event-id');
                const response = await next(lastEventId === null ? request : withHeaders(request, change(lastEventId, owners)));
                return changeEvents(response, event => {
                    if (event.id !== undefined) {
                        owners.set(event.id, sessionOf(request) ?? '');
                    }
                    return [event];
                });
            }
        };
    };
}

export const resumptionDefects = {
    'event-ids-per-stream': {
        title: 'Counts events on each stream, and gives them that number for an id',
        make: () => ({
            serve: next => async request => {
                let last = 0;
                return changeEvents(await next(request), event => [event.id === undefined ? event : { ...event, id: String(++last) }]);
            }
        })
    },
    'replay-does-not-follow': {
        title: 'Ends a stream that is resumed after what is there already',
        make: () => ({
            store: store =>
                withStreams(store, streams => ({
                    read: async (...args) => {
                        const page = await streams.read(...args);
                        return page.status === 'ok' ? { ...page, closed: true } : page;
                    }
                }))
        })
    },
    'closed-streams-dropped': {
        title: 'Drops the events of a request when it is answered',
        make: () => ({
            store: store =>
                withStreams(store, streams => ({
                    read: async (...args) => {
                        const page = await streams.read(...args);
                        return page.status === 'ok' && page.closed ? { status: 'unknown' } : page;
                    }
                }))
        })
    },
    'resumes-once': refusesToResume('Resumes from each event once only', () => {
        const used = new Set<string>();
        return id => used.size === used.add(id).size;
    }),
    'replay-skips-one': resumes('Leaves the first event out that was missed', () => {
        let skipped = false;
        return event => {
            if (skipped || messagesOf(event).length === 0) {
                return [event];
            }
            skipped = true;
            return [];
        };
    }),
    'replay-repeats': resumes('Repeats the first event that was missed', () => {
        let repeated = false;
        return event => {
            if (repeated || messagesOf(event).length === 0) {
                return [event];
            }
            repeated = true;
            return [event, event];
        };
    }),
    'replays-from-start': {
        title: 'Resumes streams from their beginning',
        make: () => ({
            store: store =>
                withStreams(store, streams => {
                    const begun = new Set<string>();
                    return {
                        // The first reading of each reader; it goes on from there.
                        hold: (session, stream, holder) => {
                            begun.delete(stream);
                            return streams.hold(session, stream, holder);
                        },
                        read: (session, stream, after, limit) => {
                            const isFirst = begun.size !== begun.add(stream).size;
                            return streams.read(session, stream, isFirst ? undefined : after, limit);
                        }
                    };
                })
        })
    },
    'old-connection-keeps-stream': {
        title: 'Refuses to resume a stream while its old connection seems to be open',
        make: () => {
            const open = new Map<string | undefined, number>();
            const count = (session: string | undefined, change: number) => open.set(session, (open.get(session) ?? 0) + change);
            return {
                serve: next => async request => {
                    const session = sessionOf(request);
                    if (kindOf(request) === 'resume' && (open.get(session) ?? 0) > 0) {
                        return new Response('Conflict', { status: 409 });
                    }
                    if (!request.body.includes('"sleep"')) {
                        return next(request);
                    }
                    count(session, 1);
                    request.disconnected.addEventListener('abort', () => count(session, -1));
                    return changeEvents(
                        await next(request),
                        event => [event],
                        () => {
                            count(session, -1);
                            return [];
                        }
                    );
                }
            };
        }
    },
    'questions-not-repeated': resumes(
        'Leaves questions out when a stream is resumed',
        () => event => (messagesOf(event).some(isRequest) ? [] : [event])
    ),
    'streams-mixed-up': {
        title: 'Sends what belongs on the standalone stream to whoever resumes a stream',
        make: () => {
            const latest = new Map<string, string>();
            return {
                store: store =>
                    withStreams(store, streams => ({
                        publish: (session, stream, data, retention) => {
                            latest.set(session, (data.at(-1) ?? '').slice(1));
                            return streams.publish(session, stream, data, retention);
                        }
                    })),
                serve: next => async request => {
                    const response = await next(request);
                    const foreign = latest.get(sessionOf(request) ?? '');
                    return kindOf(request) === 'resume' && foreign !== undefined
                        ? changeEvents(response, event => [event, { data: foreign }])
                        : response;
                }
            };
        }
    },
    'resumes-other-sessions': {
        title: 'Resumes the streams of other sessions',
        make: watchesEventIds((id, owners) => (owners.has(id) ? { 'mcp-session-id': owners.get(id) } : {}))
    },
    'unknown-event-ignored': {
        title: 'Takes an event id that it never gave for none at all',
        make: watchesEventIds((id, owners) => (owners.has(id) ? {} : { 'last-event-id': undefined }))
    }
} satisfies Record<string, Defect>;

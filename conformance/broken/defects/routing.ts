import { type TransportStore } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { type Defect } from '../defect.ts';
import { changed } from '../delegate.ts';
import { kindOf } from '../kinds.ts';
import { type McpRequest, messagesIn, type Serve, sessionOf, withHeaders, withMessages } from '../mcpRequest.ts';
import { changeMessages, withStatus } from '../rewriting.ts';
import { isRequest, isResponse, type JsonRpcMessage } from '../../src/http/jsonRpcMessage.ts';

/** Changes the client's answers to questions. @param change returns what is passed on, if anything. */
function changesReplies(title: string, change: (reply: JsonRpcMessage, request: McpRequest) => JsonRpcMessage | undefined): Defect {
    return {
        title,
        make: () => ({
            serve: next => request => {
                if (kindOf(request) !== 'reply') {
                    return next(request);
                }
                const [reply] = messagesIn(request);
                const changedReply = reply === undefined ? undefined : change(reply, request);
                return changedReply === undefined
                    ? Promise.resolve(new Response(null, { status: 202 }))
                    : next(withMessages(request, [changedReply]));
            }
        })
    };
}

/** Watches the questions that the server asks and has got no answer to. */
class Questions {
    /** Session of each question, by its id. */
    readonly open = new Map<unknown, string | undefined>();

    watch(request: McpRequest, response: Response): Response {
        let asked: readonly unknown[] = [];
        return changeMessages(response, message => {
            if (isRequest(message)) {
                asked = [...asked, message.id];
                this.open.set(message.id, sessionOf(request));
            } else if (isResponse(message)) {
                asked.forEach(id => this.open.delete(id));
            }
            return [message];
        });
    }
}

function withoutInboxes(store: TransportStore): TransportStore {
    const { sessions, streams } = store;
    return { sessions, ...(streams === undefined ? {} : { streams }), ping: () => store.ping() };
}

/** Keeps the connection when all was said. */
function neverEnds(response: Response): Response {
    if (response.body === null) {
        return response;
    }
    const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
    const body = new ReadableStream<Uint8Array>({
        async pull(controller) {
            const { done, value } = await reader.read();
            if (done) {
                return new Promise(() => undefined);
            }
            controller.enqueue(value);
        },
        cancel: () => reader.cancel()
    });
    return new Response(body, { status: response.status, headers: response.headers });
}

export const routingDefects = {
    'replies-stay-local': {
        title: "Delivers the client's answers on the node that took them, or not at all",
        make: () => ({ store: store => withoutInboxes(store) })
    },
    'inbox-loses-messages': {
        title: 'Loses what nodes tell each other',
        make: () => ({
            store: store =>
                changed(store, {
                    ...(store.inboxes === undefined ? {} : { inboxes: changed(store.inboxes, { send: () => Promise.resolve(true) }) })
                })
        })
    },
    'asks-where-made-only': {
        title: 'Asks the client only on the node that made the session',
        make: () => ({
            serve: next => {
                const made = new Set<string | undefined>();
                return async request => {
                    const [message] = messagesIn(request);
                    if (message?.params?.name === 'ask' && !made.has(sessionOf(request))) {
                        const error = { code: -32_603, message: 'This node has no connection to the client' };
                        return Response.json({ jsonrpc: '2.0', id: message.id, error });
                    }
                    const response = await next(request);
                    if (sessionOf(request) === undefined) {
                        made.add(response.headers.get('mcp-session-id') ?? undefined);
                    }
                    return response;
                };
            }
        })
    },
    'client-errors-dropped': changesReplies("Drops the client's errors", reply => (reply.error === undefined ? reply : undefined)),
    'large-replies-cut': changesReplies("Cuts the client's long answers off", reply => {
        const text = JSON.stringify(reply.result ?? {});
        return text.length < 10_000 ? reply : { ...reply, result: { action: 'accept', content: { value: text.slice(0, 10_000) } } };
    }),
    'question-ids-counted': {
        title: 'Counts its questions on each node, and gives them that number for an id',
        make: () => ({
            serve: next => {
                let last = 0;
                return async request =>
                    changeMessages(await next(request), message => [isRequest(message) ? { ...message, id: last++ } : message]);
            }
        })
    },
    'replies-confused': {
        title: 'Delivers the answer to the question before',
        make: () => ({
            serve: next => {
                let before: JsonRpcMessage['result'];
                return request => {
                    const [reply] = messagesIn(request);
                    if (reply?.result === undefined) {
                        return next(request);
                    }
                    const result = before ?? reply.result;
                    before = reply.result;
                    return next(withMessages(request, [{ ...reply, result }]));
                };
            }
        })
    },
    'replies-cross-sessions': {
        title: 'Delivers answers from whatever session they come',
        make: () => {
            const questions = new Questions();
            return {
                serve: next => async request => {
                    const [message] = messagesIn(request);
                    const owner = kindOf(request) === 'reply' ? questions.open.get(message?.id) : undefined;
                    return questions.watch(
                        request,
                        await next(owner === undefined ? request : withHeaders(request, { 'mcp-session-id': owner }))
                    );
                }
            };
        }
    },
    'stray-replies-are-404': {
        title: 'Denies the session when an answer belongs to no question',
        make: () => {
            const questions = new Questions();
            return {
                serve: next => async request => {
                    const [message] = messagesIn(request);
                    if (kindOf(request) === 'reply' && !questions.open.delete(message?.id)) {
                        return new Response('no such question', { status: 404 });
                    }
                    return questions.watch(request, await next(request));
                }
            };
        }
    },
    'refused-replies-are-404': {
        title: 'Denies the session when nobody takes an answer',
        make: () => ({
            serve: next => async request => {
                const response = await next(request);
                return kindOf(request) === 'reply' && response.status >= 400 ? withStatus(response, 404) : response;
            }
        })
    },
    'questions-not-cancelled': {
        title: 'Gives questions up without a word',
        make: () => ({
            serve: next => async request =>
                changeMessages(await next(request), message => (message.method === 'notifications/cancelled' ? [] : [message]))
        })
    },
    'cancelled-streams-stay-open': {
        title: 'Leaves the stream of a cancelled request open',
        make: () => ({ serve: next => async request => (kindOf(request) === 'request' ? neverEnds(await next(request)) : next(request)) })
    },
    'cancels-all': {
        title: 'Cancels all requests of a session when one is cancelled',
        make: () => {
            const ids = new Map<string | undefined, Set<unknown>>();
            return {
                serve: next => async request => {
                    const session = sessionOf(request);
                    const known = ids.get(session) ?? new Set();
                    ids.set(session, known);
                    messagesIn(request)
                        .filter(isRequest)
                        .forEach(({ id }) => known.add(id));
                    if (kindOf(request) !== 'cancellation') {
                        return next(request);
                    }
                    await Promise.all([...known].map(requestId => cancel(next, request, requestId)));
                    return new Response(null, { status: 202 });
                }
            };
        }
    },
    'stray-cancellations-are-404': {
        title: 'Denies the session when there is nothing to cancel',
        make: () => ({
            serve: next => {
                const ids = new Set<unknown>();
                return request => {
                    const [message] = messagesIn(request);
                    if (message !== undefined && isRequest(message)) {
                        ids.add(message.id);
                    }
                    const isStray = kindOf(request) === 'cancellation' && !ids.has(message?.params?.requestId);
                    return isStray ? Promise.resolve(new Response('no such request', { status: 404 })) : next(request);
                };
            }
        })
    }
} satisfies Record<string, Defect>;

function cancel(next: Serve, request: McpRequest, requestId: unknown): Promise<Response> {
    return next(withMessages(request, [{ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } }]));
}

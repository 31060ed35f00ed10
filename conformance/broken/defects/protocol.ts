import { type Defect } from '../defect.ts';
import { kindOf } from '../kinds.ts';
import { messagesIn, sessionOf, withHeaders, withMessages } from '../mcpRequest.ts';
import { changeEvents, changeMessages, withResponseHeaders, withStatus } from '../rewriting.ts';
import { isResponse } from '../../src/http/jsonRpcMessage.ts';

export const protocolDefects = {
    'ids-become-strings': {
        title: 'Answers requests under ids that are always text',
        make: () => ({
            serve: next => async request =>
                changeMessages(await next(request), message => [isResponse(message) ? { ...message, id: String(message.id) } : message])
        })
    },
    'content-type-is-text': {
        title: 'Calls its answers plain text',
        make: () => ({
            serve: next => async request => {
                const response = await next(request);
                return messagesIn(request).some(({ method }) => method === 'tools/list')
                    ? withResponseHeaders(response, { 'content-type': 'text/plain' })
                    : response;
            }
        })
    },
    'answers-twice': {
        title: 'Answers each request twice',
        make: () => ({
            serve: next => async request =>
                changeMessages(await next(request), message => (isResponse(message) ? [message, message] : [message]))
        })
    },
    'accepted-is-200': {
        title: 'Accepts notifications and responses with 200',
        make: () => ({
            serve: next => async request => {
                const response = await next(request);
                // Only those that are looked at after a session was opened.
                const isFirst = request.body.includes('notifications/initialized');
                return response.status === 202 && !isFirst ? withStatus(response, 200) : response;
            }
        })
    },
    'malformed-body-is-500': {
        title: 'Fails when a body is no JSON-RPC',
        make: () => ({
            serve: next => async request => {
                const response = await next(request);
                return request.method === 'POST' && messagesIn(request).length === 0 ? withStatus(response, 500) : response;
            }
        })
    },
    'unknown-method-succeeds': {
        title: 'Answers requests of unknown methods with an empty result',
        make: () => ({
            serve: next => async request =>
                changeMessages(await next(request), ({ jsonrpc, id, error, ...message }) => [
                    error?.code === -32_601 ? { jsonrpc, id, result: {} } : { jsonrpc, id, error, ...message }
                ])
        })
    },
    'unknown-notification-is-404': {
        title: 'Denies the session when it does not know a notification',
        make: () => ({
            serve: next => async request => {
                const response = await next(request);
                return request.body.includes('notifications/no/such') ? withStatus(response, 404) : response;
            }
        })
    },
    'agrees-to-any-version': {
        title: 'Agrees to whatever protocol version is asked for',
        make: () => ({
            serve: next => async request => {
                const asked = messagesIn(request).find(({ method }) => method === 'initialize')?.params?.protocolVersion;
                const response = await next(request);
                return changeMessages(response, message => [
                    asked === undefined ? message : { ...message, result: { ...message.result, protocolVersion: asked } }
                ]);
            }
        })
    },
    'version-header-ignored': {
        title: 'Does not look at MCP-Protocol-Version',
        make: () => ({ serve: next => request => next(withHeaders(request, { 'mcp-protocol-version': undefined })) })
    },
    'version-header-demanded': {
        title: 'Refuses requests without MCP-Protocol-Version',
        make: () => ({
            serve: next => request =>
                sessionOf(request) !== undefined && !request.headers.has('mcp-protocol-version')
                    ? Promise.resolve(new Response('no version', { status: 400 }))
                    : next(request)
        })
    },
    'get-refused': {
        title: 'Has no standalone streams, though it says so nowhere',
        make: () => ({
            serve: next => request => (kindOf(request) === 'listen' ? Promise.resolve(new Response(null, { status: 405 })) : next(request))
        })
    },
    'streams-not-primed': {
        title: 'Gives the first event id with the first message',
        make: () => ({
            serve: next => async request =>
                changeEvents(await next(request), event => (event.data === '' || event.data === undefined ? [] : [event]))
        })
    },
    'batches-cut': {
        title: 'Answers the first request of a batch only',
        make: () => ({
            serve: next => request => {
                const messages = messagesIn(request);
                return next(messages.length > 1 ? withMessages(request, messages.slice(0, 1)) : request);
            }
        })
    },
    'json-never': {
        title: 'Answers with event streams though told to answer in JSON',
        make: () => ({ options: { enableJsonResponse: false } })
    },
    'deep-body-is-500': {
        title: 'Fails when a body is nested deeply',
        make: () => ({
            serve: next => request =>
                request.body.includes('['.repeat(1_000)) ? Promise.resolve(new Response('stack', { status: 500 })) : next(request)
        })
    },
    'bodies-unbounded': {
        title: 'Reads bodies of whatever size',
        make: () => ({ options: { maxRequestBodySize: 1024 ** 3 } })
    },
    'long-event-id-is-500': {
        title: 'Fails when an event id is long',
        make: () => ({
            serve: next => request =>
                (request.headers.get('last-event-id') ?? '').length > 1_000
                    ? Promise.resolve(new Response('too long', { status: 500 }))
                    : next(request)
        })
    },
    'unexpected-method-is-500': {
        title: 'Fails when a method is none of those of MCP',
        make: () => ({
            serve: next => request =>
                kindOf(request) === 'other' ? Promise.resolve(new Response('what?', { status: 500 })) : next(request)
        })
    }
} satisfies Record<string, Defect>;

/** Readers that are slow, come back, or go away, and what they get. */
import { connect } from 'node:net';
import type { EventId, EventStore, StreamId } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { isJSONRPCNotification, isJSONRPCRequest, type JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test } from 'vitest';
import {
    eventsOf,
    faces,
    get,
    initialize,
    initializeMessage,
    listen,
    logMessage,
    messagesOf,
    post,
    type AnyTransport,
    type WireEvent
} from './support/streamableHttpFaces.js';

const sessionIdGenerator = () => 'a-session';
const KIB = 1024;

/** Keeps all events in one list, so that an id is a place in it. */
class ListEventStore implements EventStore {
    readonly events: { readonly streamId: StreamId; readonly message: JSONRPCMessage }[] = [];

    storeEvent(streamId: StreamId, message: JSONRPCMessage): Promise<EventId> {
        this.events.push({ streamId, message });
        return Promise.resolve(String(this.events.length - 1));
    }

    async replayEventsAfter(
        lastEventId: EventId,
        { send }: { send: (eventId: EventId, message: JSONRPCMessage) => Promise<void> }
    ): Promise<StreamId> {
        const streamId = this.events[Number(lastEventId)]?.streamId ?? '';
        for (let place = Number(lastEventId) + 1; place < this.events.length; place++) {
            const event = this.events[place];
            if (event?.streamId === streamId) {
                await send(String(place), event.message);
            }
        }
        return streamId;
    }
}

/** Answers `initialize`, and leaves every other request to the test. */
async function leaveOpen(transport: AnyTransport): Promise<void> {
    transport.onmessage = message => {
        if (isJSONRPCRequest(message) && message.method === 'initialize') {
            void transport.send({ jsonrpc: '2.0', id: message.id, result: {} });
        }
    };
    await transport.start();
}

/** What a log message says. */
function dataOf(event: WireEvent | undefined): unknown {
    return event && isJSONRPCNotification(event.message) ? event.message.params?.['data'] : undefined;
}

async function next(events: AsyncGenerator<WireEvent, void, undefined>): Promise<WireEvent | undefined> {
    return (await events.next()).value ?? undefined;
}

const ping = (id: number) => ({ jsonrpc: '2.0', id, method: 'ping' });

/** Sends messages until the reader that does not read is given up. @returns how many bytes were sent. */
async function fill(transport: AnyTransport, isGivenUp: () => boolean): Promise<number> {
    const text = 'x'.repeat(64 * KIB);
    let sent = 0;
    while (!isGivenUp() && sent < 512 * KIB * KIB) {
        await transport.send(logMessage(text));
        sent += text.length;
        await new Promise(resolve => setImmediate(resolve));
    }
    return sent;
}

describe('a reader that does not read', () => {
    test('loses its connection, holds a bounded amount of memory, and holds nobody up on Node', async () => {
        const transport = new StreamableHTTPServerTransport({ sessionIdGenerator });
        await leaveOpen(transport);
        const { server, port, url, close } = await listen((req, res) => transport.handleRequest(req, res));
        await using endpoint = { transport, request: (init: RequestInit) => fetch(url, init), [Symbol.asyncDispose]: close };
        await initialize(endpoint);
        const answer = await endpoint.request(post(ping(1), 'a-session'));

        let isGivenUp = false;
        const opened = new Promise<void>(resolve => {
            server.once('request', (_req, res) => {
                res.once('close', () => (isGivenUp = true));
                resolve();
            });
        });
        const silent = connect(port, '127.0.0.1').pause();
        silent.on('error', () => undefined);
        silent.write('GET /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\nMcp-Session-Id: a-session\r\n\r\n');
        await opened;

        // 4 MiB wait in the process, and whatever the kernel takes for the two ends of a local connection.
        expect(await fill(transport, () => isGivenUp)).toBeLessThan(64 * KIB * KIB);
        expect(isGivenUp).toBe(true);

        await transport.send({ jsonrpc: '2.0', id: 1, result: {} });
        expect(await messagesOf(answer)).toEqual([{ jsonrpc: '2.0', id: 1, result: {} }]);
        const events = eventsOf(await endpoint.request(get('a-session')));
        await transport.send(logMessage('still here'));
        expect(dataOf(await next(events))).toBe('still here');
        silent.destroy();
    });

    test('loses its connection, holds a bounded amount of memory, and holds nobody up on the web', async () => {
        const transport = new WebStandardStreamableHTTPServerTransport({ sessionIdGenerator });
        await leaveOpen(transport);
        const request = (init: RequestInit) => transport.handleRequest(new Request('http://127.0.0.1/mcp', init));
        await using endpoint = { transport, request, [Symbol.asyncDispose]: () => transport.close() };
        await initialize(endpoint);
        const answer = await endpoint.request(post(ping(1), 'a-session'));
        const silent = await endpoint.request(get('a-session'));

        let isGivenUp = false;
        const reader = silent.body?.getReader();
        void reader?.closed.catch(() => (isGivenUp = true));
        expect(await fill(transport, () => isGivenUp)).toBeLessThan(5 * KIB * KIB);
        expect(isGivenUp).toBe(true);

        await transport.send({ jsonrpc: '2.0', id: 1, result: {} });
        expect(await messagesOf(answer)).toEqual([{ jsonrpc: '2.0', id: 1, result: {} }]);
        const events = eventsOf(await endpoint.request(get('a-session')));
        await transport.send(logMessage('still here'));
        expect(dataOf(await next(events))).toBe('still here');
    });
});

describe.each(faces)('streams of $name', face => {
    test('a replay that is larger than what a reader may be behind arrives whole and in order', async () => {
        const eventStore = new ListEventStore();
        await using endpoint = await face.open({ sessionIdGenerator, eventStore });
        await leaveOpen(endpoint.transport);
        await initialize(endpoint);
        const padding = 'x'.repeat(16 * KIB);
        const count = 1000;
        for (let number = 0; number <= count; number++) {
            await endpoint.transport.send(logMessage(`${number} ${padding}`));
        }
        const first = eventStore.events.findIndex(({ message }) => isJSONRPCNotification(message));
        const events = eventsOf(await endpoint.request(get('a-session', String(first))));
        for (let number = 1; number <= count; number++) {
            expect(dataOf(await next(events))).toBe(`${number} ${padding}`);
        }
        await endpoint.transport.send(logMessage('live'));
        expect(dataOf(await next(events))).toBe('live');
    });

    test('an event that is stored after the replay has read the store is not lost', async () => {
        const eventStore = new ListEventStore();
        const replay = eventStore.replayEventsAfter.bind(eventStore);
        let release: (() => void) | undefined;
        let hasRead: (() => void) | undefined;
        const read = new Promise<void>(resolve => {
            hasRead = resolve;
        });
        eventStore.replayEventsAfter = async (lastEventId, options) => {
            const streamId = await replay(lastEventId, options);
            hasRead?.();
            await new Promise<void>(resolve => {
                release = resolve;
            });
            return streamId;
        };
        await using endpoint = await face.open({ sessionIdGenerator, eventStore });
        await leaveOpen(endpoint.transport);
        await initialize(endpoint);
        await endpoint.transport.send(logMessage('seen'));
        await endpoint.transport.send(logMessage('missed'));
        const seen = eventStore.events.findIndex(({ message }) => isJSONRPCNotification(message));

        const resumed = endpoint.request(get('a-session', String(seen)));
        await read;
        await endpoint.transport.send(logMessage('in between'));
        release?.();
        const events = eventsOf(await resumed);
        await endpoint.transport.send(logMessage('live'));
        expect([dataOf(await next(events)), dataOf(await next(events)), dataOf(await next(events))]).toEqual([
            'missed',
            'in between',
            'live'
        ]);
    });

    test('a replay that fails is answered with 500, and can be tried again', async () => {
        const eventStore = new ListEventStore();
        const replay = eventStore.replayEventsAfter.bind(eventStore);
        await using endpoint = await face.open({ sessionIdGenerator, eventStore });
        await leaveOpen(endpoint.transport);
        await initialize(endpoint);
        await endpoint.transport.send(logMessage('first'));
        await endpoint.transport.send(logMessage('second'));
        const first = String(eventStore.events.findIndex(({ message }) => isJSONRPCNotification(message)));
        eventStore.replayEventsAfter = async (lastEventId, options) => {
            await replay(lastEventId, options);
            throw new Error('store went away');
        };
        expect((await endpoint.request(get('a-session', first))).status).toBe(500);
        eventStore.replayEventsAfter = replay;
        expect(dataOf(await next(eventsOf(await endpoint.request(get('a-session', first)))))).toBe('second');
    });

    test('a response that was stored while nobody read is what a client comes back for', async () => {
        const eventStore = new ListEventStore();
        await using endpoint = await face.open({ sessionIdGenerator, eventStore, retryInterval: 5 });
        await leaveOpen(endpoint.transport);
        await initialize(endpoint);
        const answer = await endpoint.request(post(ping(1), 'a-session', '2025-11-25'));
        const events = eventsOf(answer);
        const priming = await next(events);
        expect(priming?.id).toMatch(/./);
        expect(priming?.message).toBeUndefined();
        endpoint.transport.closeSSEStream(1);
        expect((await events.next()).done).toBe(true);

        await endpoint.transport.send({ jsonrpc: '2.0', id: 1, result: { late: true } });
        const resumed = eventsOf(await endpoint.request(get('a-session', priming?.id)));
        expect((await next(resumed))?.message).toEqual({ jsonrpc: '2.0', id: 1, result: { late: true } });
    });

    test('a batch is answered in one stream, which ends with the last response', async () => {
        await using endpoint = await face.open({ sessionIdGenerator });
        await leaveOpen(endpoint.transport);
        await initialize(endpoint);
        const events = eventsOf(await endpoint.request(post([ping(1), ping(2)], 'a-session')));
        await endpoint.transport.send({ jsonrpc: '2.0', id: 2, result: {} });
        expect((await next(events))?.message).toMatchObject({ id: 2 });
        await endpoint.transport.send(logMessage('between'), { relatedRequestId: 2 });
        expect(dataOf(await next(events))).toBe('between');
        await endpoint.transport.send({ jsonrpc: '2.0', id: 1, result: {} });
        expect((await next(events))?.message).toMatchObject({ id: 1 });
        expect((await events.next()).done).toBe(true);
    });

    test('a batch is answered in one document, in the order of its requests', async () => {
        await using endpoint = await face.open({ sessionIdGenerator, enableJsonResponse: true });
        await leaveOpen(endpoint.transport);
        await initialize(endpoint);
        const answer = endpoint.request(post([ping(1), ping(2), ping(1)], 'a-session'));
        await expect
            .poll(() =>
                endpoint.transport.send({ jsonrpc: '2.0', id: 2, result: {} }).then(
                    () => 'sent',
                    () => 'too early'
                )
            )
            .toBe('sent');
        await endpoint.transport.send({ jsonrpc: '2.0', id: 1, result: {} });
        expect(await messagesOf(await answer)).toMatchObject([{ id: 1 }, { id: 2 }]);
    });

    test('a response without a request, or for one that is answered, is an error of the server', async () => {
        await using endpoint = await face.open({ sessionIdGenerator });
        await leaveOpen(endpoint.transport);
        await initialize(endpoint);
        await expect(endpoint.transport.send({ jsonrpc: '2.0', id: 'init', result: {} })).rejects.toThrow(
            'No connection established for request ID: init'
        );
    });

    test('requests that are under way when a JSON transport is closed get 404, as the session is gone', async () => {
        await using endpoint = await face.open({ sessionIdGenerator, enableJsonResponse: true });
        let received: (() => void) | undefined;
        const pinged = new Promise<void>(resolve => {
            received = resolve;
        });
        await leaveOpen(endpoint.transport);
        const answerInitialize = endpoint.transport.onmessage;
        endpoint.transport.onmessage = (message, extra) => {
            answerInitialize?.(message, extra);
            if (isJSONRPCRequest(message) && message.method === 'ping') {
                received?.();
            }
        };
        await messagesOf(await endpoint.request(post(initializeMessage())));
        const answer = endpoint.request(post(ping(1), 'a-session'));
        await pinged;
        await endpoint.transport.close();
        expect((await answer).status).toBe(404);
    });
});

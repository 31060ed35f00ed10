/** A session that goes on for long keeps nothing of the requests that it has answered. */
import { StreamableHTTPServerTransport, type EventStore } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js';
import { describe, expect, test } from 'vitest';
import { Holdings } from './support/collected.js';
import { initializeMessage, listen, messagesOf, post, type AnyTransport } from './support/streamableHttpFaces.js';

/** What the machinery around may hold of the newest requests: connections, promises of the current turn. */
const IN_USE = 20;

const sessionIdGenerator = () => 'a-session';

/** Numbers events and forgets them. */
function forgetfulEventStore(): EventStore {
    let newest = 0;
    return {
        storeEvent: () => Promise.resolve(String(++newest)),
        replayEventsAfter: () => Promise.reject(new Error('Nothing is kept'))
    };
}

const modes = [
    { mode: 'JSON', requests: 1000, options: { sessionIdGenerator, enableJsonResponse: true } },
    {
        mode: 'JSON with an event store',
        requests: 200,
        options: { sessionIdGenerator, enableJsonResponse: true, eventStore: forgetfulEventStore() }
    },
    { mode: 'event streams', requests: 200, options: { sessionIdGenerator } },
    { mode: 'stored event streams', requests: 200, options: { sessionIdGenerator, eventStore: forgetfulEventStore() } }
];

/** Answers every request at once, one turn of the event loop later. */
async function echo(transport: AnyTransport): Promise<void> {
    transport.onmessage = message => {
        if ('method' in message && 'id' in message) {
            void Promise.resolve().then(() => transport.send({ jsonrpc: '2.0', id: message.id, result: {} }));
        }
    };
    await transport.start();
}

/** A transport that remembered a request would take another response to it. */
async function expectAllForgotten(transport: AnyTransport, requests: number): Promise<void> {
    for (let id = 1; id <= requests; id++) {
        await expect(transport.send({ jsonrpc: '2.0', id, result: {} })).rejects.toThrow('No connection established');
    }
}

const ping = (id: number) => ({ jsonrpc: '2.0', id, method: 'ping' });

describe.each(modes)('after $requests requests with $mode', ({ requests, options }) => {
    test('WebStandardStreamableHTTPServerTransport holds nothing of them', async () => {
        const transport = new WebStandardStreamableHTTPServerTransport(options);
        await echo(transport);
        const holdings = new Holdings();
        const ask = async (init: RequestInit) => {
            const request = new Request('http://127.0.0.1/mcp', init);
            const response = await transport.handleRequest(request);
            holdings.add(request, response);
            expect(await messagesOf(response)).toHaveLength(1);
        };
        await ask(post(initializeMessage()));
        for (let id = 1; id <= requests; id++) {
            await ask(post(ping(id), 'a-session', '2025-11-25'));
        }
        expect(await holdings.count()).toBeLessThan(IN_USE);
        await expectAllForgotten(transport, requests);
        await transport.close();
    });

    test('StreamableHTTPServerTransport holds nothing of them', async () => {
        const transport = new StreamableHTTPServerTransport(options);
        await echo(transport);
        const holdings = new Holdings();
        const { url, close } = await listen((req, res) => {
            holdings.add(req, res);
            return transport.handleRequest(req, res);
        });
        await messagesOf(await fetch(url, post(initializeMessage())));
        for (let id = 1; id <= requests; id++) {
            expect(await messagesOf(await fetch(url, post(ping(id), 'a-session', '2025-11-25')))).toHaveLength(1);
        }
        expect(await holdings.count()).toBeLessThan(IN_USE);
        await expectAllForgotten(transport, requests);
        await close();
    });
});

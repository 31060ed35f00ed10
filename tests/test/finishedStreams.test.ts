import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { expect, test } from 'vitest';
import { begin, call, get, isFinal, post } from './support/mcpRequests.ts';
import { onEveryStore } from './support/onEveryStore.ts';

const version = '2025-11-25';

/** There is nothing behind an event any more. Another node may have to wait a moment until it sees that. */
async function expectEnd(url: string, session: string, lastEventId: string | undefined): Promise<void> {
    const answer = await get(url, { session, version, lastEventId });
    if (answer.status === 200) {
        expect(await answer.all()).toEqual([{ id: lastEventId, message: undefined }]);
        expect((await get(url, { session, version, lastEventId })).status).toBe(204);
    } else {
        expect(answer.status).toBe(204);
    }
}

onEveryStore('R14: a client that has all of a finished stream is told to stop asking for it', start => {
    test('after an error response, at another node', async () => {
        const { urls } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const answer = await call(a, session, 'no such tool');
        const { eventId } = await answer.message(isFinal);
        await answer.ended();

        await expectEnd(b, session, eventId);
    });

    test('after a cancellation, at another node', async () => {
        const { cluster, urls } = await start();
        const [a, b, c] = urls;
        const session = await begin(a);
        const answer = await call(a, session, 'hold', { gate: 'never' }, { id: 'held' });
        const { id: lastEventId } = await answer.next();
        await cluster.gates.arrival('never');
        await post(c, { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'held' } }, { session, version });
        await answer.ended();

        await expectEnd(b, session, lastEventId);
    });

    test('although a note for other nodes follows the last message', async () => {
        const { cluster, urls } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const steps = { steps: 101, pauseAt: 100, gate: 'never' };
        const answer = await call(a, session, 'progress', steps, { id: 'long', progressToken: 'p' });
        const { eventId } = await answer.message(({ params }) => params?.['progress'] === 100);
        await cluster.gates.arrival('never');
        await post(a, { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'long' } }, { session, version });
        await answer.ended();

        await expectEnd(b, session, eventId);
    });
});

onEveryStore('R14: a resumed stream can be lost again before anything has come', start => {
    test('its first event gives back the id that it was resumed from', async () => {
        const { cluster, urls } = await start();
        const [a, b, c] = urls;
        const session = await begin(a);
        const answer = await call(a, session, 'hold', { gate: 'open' });
        const { id: lastEventId } = await answer.next();
        await cluster.gates.arrival('open');
        answer.disconnect();

        const resumed = await get(b, { session, version, lastEventId });
        expect(await resumed.next()).toEqual({ id: lastEventId, message: undefined });
        resumed.disconnect();

        const again = await get(c, { session, version, lastEventId });
        cluster.gates.open('open');
        expect(await again.message(isFinal)).toMatchObject({ result: { content: [{ text: 'held on node-1' }] } });
        await again.ended();
    });
});

onEveryStore("R13: the SDK's client keeps its standalone stream", start => {
    test.each(['a cancelled call', 'an error response'])('after %s', async ending => {
        const { cluster, urls } = await start();
        const streams: number[] = [];
        let onstream = (): void => undefined;
        const transport = new StreamableHTTPClientTransport(new URL(urls[0]), {
            fetch: async (input, init) => {
                const response = await fetch(input, init);
                if (init?.method === 'GET') {
                    streams.push(response.status);
                    onstream();
                }
                return response;
            },
            reconnectionOptions: { initialReconnectionDelay: 1, maxReconnectionDelay: 1, reconnectionDelayGrowFactor: 1, maxRetries: 2 }
        });
        const answered = (status: number): Promise<void> =>
            new Promise(resolve => {
                onstream = () => streams.at(-1) === status && resolve();
                onstream();
            });
        const client = new Client({ name: 'test-client', version: '1' });
        const announced = new Promise(resolve => client.setNotificationHandler(LoggingMessageNotificationSchema, resolve));
        await client.connect(transport);
        await answered(200);

        if (ending === 'a cancelled call') {
            const cancelling = new AbortController();
            const held = client.callTool({ name: 'hold', arguments: { gate: 'never' } }, undefined, { signal: cancelling.signal });
            await cluster.gates.arrival('never');
            cancelling.abort();
            await expect(held).rejects.toThrow();
        } else {
            await expect(client.callTool({ name: 'no such tool' })).rejects.toThrow();
        }
        // The client has got no result, so it asks for the rest of the stream.
        await answered(204);
        await client.callTool({ name: 'announce', arguments: { text: 'still here' } });
        await announced;

        expect(streams.at(-1)).toBe(204);
        const displaced = cluster.nodes.flatMap(node => node.events).filter(event => event.type === 'stream.displaced');
        expect(displaced.filter(({ streamId }) => !isRequestStream(streamId))).toEqual([]);
        await client.close();
    });
});

/** Whether a stream belongs to a request, so that its id is a node's and a number. */
function isRequestStream(streamId: string): boolean {
    return /-\d+$/.test(streamId);
}

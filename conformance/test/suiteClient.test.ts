/** The client by which the suite sees servers: what it reports must be what has happened. */
import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { ConnectionFailedError, RequirementNotMetError, WaitedInVainError } from '../src/errors.ts';
import { Recorder } from '../src/history/recorder.ts';
import { type Endpoint, McpClient, type McpClientOptions } from '../src/http/mcpClient.ts';

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
    for (const close of closers.splice(0).reverse()) {
        await close();
    }
});

async function serve(listener: RequestListener): Promise<Endpoint & { readonly server: Server }> {
    const server = createServer(listener);
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    closers.push(async () => {
        server.closeAllConnections();
        await new Promise(resolve => server.close(resolve));
    });
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return { id: 'node-1', url: `http://127.0.0.1:${port}/mcp`, server };
}

function makeClient(options: Partial<McpClientOptions> = {}): { readonly client: McpClient; readonly recorder: Recorder } {
    const recorder = new Recorder();
    const client = new McpClient({ recorder, waitMs: 2_000, ...options });
    closers.push(() => client.close());
    return { client, recorder };
}

const stream = { 'content-type': 'text/event-stream', 'x-node-id': 'node-7' };
const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
const pong = { jsonrpc: '2.0', id: 1, result: {} };
const event = (message: unknown, id?: string) => `${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(message)}\n\n`;

describe('the recording client', () => {
    it('gives events one by one, as they come', async () => {
        let finish = () => {};
        const node = await serve((_, res) => {
            res.writeHead(200, stream).write('retry: 250\nid: first\ndata:\n\n');
            finish = () => res.end(event(pong, 'second'));
        });
        const { client } = makeClient();
        const answer = await client.post(node, ping);
        expect(await answer.next()).toEqual({ eventId: 'first' });
        expect(answer).toMatchObject({ status: 200, nodeId: 'node-7', retryMs: 250, lastEventId: 'first', end: undefined });
        finish();
        expect(await answer.next()).toEqual({ eventId: 'second', message: pong });
        expect(await answer.next()).toBeUndefined();
        expect(answer.end).toEqual({ outcome: 'ok' });
    });

    it('records every step, with its operation', async () => {
        const node = await serve((_, res) => res.writeHead(200, stream).end(event(pong, 'x')));
        const { client, recorder } = makeClient();
        const session = { id: 'the-session', protocolVersion: '2025-11-25', token: 'user:ann' };
        await (await client.post(node, ping, { session })).ended();
        await (await client.get(node, { session, lastEventId: 'x' })).ended();
        expect(recorder.events.map(({ at: _, ...step }) => step)).toEqual([
            { type: 'invoke', op: 1, session: 'the-session', node: 'node-1', method: 'POST', messages: [ping] },
            { type: 'response', op: 1, status: 200, answeredBy: 'node-7' },
            { type: 'message', op: 1, eventId: 'x', message: pong },
            { type: 'complete', op: 1, outcome: 'ok' },
            { type: 'invoke', op: 2, session: 'the-session', node: 'node-1', method: 'GET', lastEventId: 'x' },
            { type: 'response', op: 2, status: 200, answeredBy: 'node-7' },
            { type: 'message', op: 2, eventId: 'x', message: pong },
            { type: 'complete', op: 2, outcome: 'ok' }
        ]);
        const times = recorder.events.map(({ at }) => at);
        expect(times).toEqual(times.toSorted((one, other) => one - other));
    });

    it('reads JSON, batches, and answers without a body', async () => {
        const bodies = [JSON.stringify(pong), JSON.stringify([pong, { ...pong, id: 2 }]), ''];
        const node = await serve((_, res) => {
            const body = bodies.shift() ?? '';
            res.writeHead(body === '' ? 202 : 200, body === '' ? {} : { 'content-type': 'application/json' }).end(body);
        });
        const { client } = makeClient();
        for (const expected of [[pong], [pong, { ...pong, id: 2 }], []]) {
            const answer = await client.post(node, ping);
            await answer.ended();
            expect(answer.messages).toEqual(expected);
        }
    });

    it('says that it waited in vain where nothing comes, and records that', async () => {
        const node = await serve((req, res) => {
            if (req.method === 'GET') {
                res.writeHead(200, stream).flushHeaders();
            }
        });
        const { client, recorder } = makeClient({ waitMs: 100 });
        await expect(client.post(node, ping)).rejects.toThrow(WaitedInVainError);
        expect(recorder.events.at(-1)).toMatchObject({ type: 'complete', op: 1, outcome: 'timeout' });
        const answer = await client.get(node);
        await expect(answer.next()).rejects.toThrow(WaitedInVainError);
        await expect(answer.response(1)).rejects.toThrow(/response to request 1/);
    });

    it('tells a connection that can not be made, and one that breaks', async () => {
        const node = await serve((_, res) => {
            res.writeHead(200, stream).write(event(pong), () => res.destroy());
        });
        const { client, recorder } = makeClient();
        const answer = await client.post(node, ping);
        expect(await answer.ended()).toMatchObject({ outcome: 'failed' });
        await expect(answer.response(2)).rejects.toThrow(RequirementNotMetError);
        await closers[0]?.();
        await expect(client.post(node, ping)).rejects.toThrow(ConnectionFailedError);
        expect(recorder.events.at(-1)).toMatchObject({ type: 'complete', op: 2, outcome: 'failed' });
        closers.shift();
    });

    it('ends connections when it is told to, which the server notices', async () => {
        const left: Promise<void>[] = [];
        const node = await serve((_, res) => {
            left.push(new Promise(resolve => res.once('close', resolve)));
            res.writeHead(200, stream).flushHeaders();
        });
        const { client, recorder } = makeClient();
        const first = await client.get(node);
        await first.close();
        await left[0];
        expect(first.end).toMatchObject({ outcome: 'closed-by-client' });
        await client.get(node);
        await client.close();
        await left[1];
        expect(recorder.events.findLast(({ type }) => type === 'complete')).toMatchObject({ op: 2, outcome: 'closed-by-client' });
    });

    it('refuses what is no JSON-RPC in an answer that should hold it', async () => {
        const node = await serve((_, res) => res.writeHead(200, stream).end('data: {"hello":"world"}\n\n'));
        const { client } = makeClient();
        const answer = await client.post(node, ping);
        await expect(answer.response(1)).rejects.toThrow(/no JSON-RPC/);
    });

    it('demands a session of initialize', async () => {
        const node = await serve((_, res) => {
            const result = { protocolVersion: '2025-11-25' };
            res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id: 1, result }));
        });
        const { client } = makeClient();
        await expect(client.initialize(node)).rejects.toThrow(/made no session/);
    });
});

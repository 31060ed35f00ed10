import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
    CallToolResultSchema,
    CreateMessageRequestSchema,
    ElicitRequestSchema,
    ListRootsRequestSchema,
    LoggingMessageNotificationSchema,
    type CallToolResult
} from '@modelcontextprotocol/sdk/types.js';
import { expect, onTestFinished, test } from 'vitest';
import { asks, notify, toolCall } from './support/clientMessages.ts';
import { begin, call, callTool, get, isFinal, post, toolResult } from './support/mcpRequests.ts';
import { onEveryStore } from './support/onEveryStore.ts';
import { RoundRobin } from './support/roundRobin.ts';

interface ConnectedClient {
    readonly client: Client;
    readonly transport: StreamableHTTPClientTransport;
    readonly balancer: RoundRobin;
    /** Texts of the announcements that came. */
    readonly announced: string[];
    readonly errors: Error[];
}

/** The SDK's own client, behind a load balancer without affinity. */
async function connect(urls: readonly string[], { sessionId }: { sessionId?: string } = {}): Promise<ConnectedClient> {
    const balancer = new RoundRobin(urls);
    const transport = new StreamableHTTPClientTransport(balancer.url, {
        fetch: balancer.fetch,
        ...(sessionId === undefined ? {} : { sessionId }),
        reconnectionOptions: { initialReconnectionDelay: 10, maxReconnectionDelay: 200, reconnectionDelayGrowFactor: 1.5, maxRetries: 20 }
    });
    const client = new Client({ name: 'sdk-client', version: '9' }, { capabilities: { elicitation: {}, sampling: {}, roots: {} } });
    client.setRequestHandler(ElicitRequestSchema, request => ({ action: 'accept', content: { value: `re: ${request.params.message}` } }));
    client.setRequestHandler(CreateMessageRequestSchema, () => ({ role: 'assistant', model: 'm', content: { type: 'text', text: 'Hi' } }));
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///home' }] }));
    const announced: string[] = [];
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params: { data } }) => {
        announced.push(typeof data === 'object' && data !== null && 'text' in data && 'i' in data ? `${data.text} ${data.i}` : '');
    });
    const errors: Error[] = [];
    client.onerror = error => errors.push(error);
    await client.connect(transport);
    onTestFinished(() => client.close());
    return { client, transport, balancer, announced, errors };
}

function resultOf(result: unknown): unknown {
    return toolResult({ result: CallToolResultSchema.parse(result) });
}

async function callBy({ client }: ConnectedClient, name: string, args: Record<string, unknown> = {}): Promise<unknown> {
    return resultOf(await client.callTool({ name, arguments: args }));
}

onEveryStore("the SDK's client behind a load balancer without affinity", start => {
    test('initializes, calls, is asked and told, sets the level and ends its session', async () => {
        const { urls, cluster } = await start();
        const connected = await connect(urls);
        const { client, transport, balancer, announced, errors } = connected;
        await expect.poll(() => balancer.answered.filter(({ method }) => method === 'GET').length).toBe(1);
        const nodes = new Set<number>();
        for (let i = 0; i < 6; i++) {
            const result = await callBy(connected, 'whoami');
            expect(result).toMatchObject({ clientInfo: { name: 'sdk-client' }, sessionId: transport.sessionId });
            nodes.add(balancer.lastPosted);
        }
        expect(nodes.size).toBe(3);
        for (const kind of ['elicitation', 'sampling', 'roots', 'elicitation']) {
            expect(await callBy(connected, 'ask', { kind, text: 'Name?' })).toHaveProperty('answer');
        }
        expect(await callBy(connected, 'ask', { text: 'Name?' })).toMatchObject({ answer: { content: { value: 're: Name?' } } });
        expect(await callBy(connected, 'roots')).toMatchObject({ answer: { roots: [{ uri: 'file:///home' }] } });
        await callBy(connected, 'announce', { text: 'hello', count: 3 });
        await expect.poll(() => announced).toEqual(['hello 0', 'hello 1', 'hello 2']);
        await client.setLoggingLevel('warning');
        expect(await callBy(connected, 'whoami')).toMatchObject({ logLevel: 'warning' });
        const steps: number[] = [];
        const onprogress = ({ progress }: { progress: number }): number => steps.push(progress);
        await client.callTool({ name: 'progress', arguments: { steps: 5 } }, CallToolResultSchema, { onprogress });
        expect(steps).toEqual([1, 2, 3, 4, 5]);
        expect(errors).toEqual([]);
        const session = transport.sessionId ?? '';
        await transport.terminateSession();
        expect((await call(urls[0], session, 'whoami')).status).toBe(404);
        expect(cluster.nodes.flatMap(node => node.errors)).toEqual([]);
    });

    test('cancels what runs anywhere', async () => {
        const { urls, cluster } = await start();
        const { client } = await connect(urls);
        for (let i = 0; i < 3; i++) {
            const abort = new AbortController();
            const gate = `gate ${i}`;
            const calling = client.callTool({ name: 'hold', arguments: { gate } }, CallToolResultSchema, { signal: abort.signal });
            await cluster.gates.arrival(gate);
            abort.abort('enough');
            await expect(calling).rejects.toThrow('enough');
            await expect.poll(() => cluster.nodes.flatMap(node => node.log.aborted)).toHaveLength(i + 1);
        }
    });

    test('gets the result of a call, and what was announced, although its connections are cut again and again', async () => {
        const { urls, cluster } = await start();
        const connected = await connect(urls);
        const { client, balancer, announced } = connected;
        await callBy(connected, 'announce', { text: 'before', count: 2 });
        await expect.poll(() => announced).toHaveLength(2);
        const steps: number[] = [];
        const calling = client.callTool({ name: 'progress', arguments: { steps: 6, gate: 'gate', pauseAt: 3 } }, CallToolResultSchema, {
            onprogress: ({ progress }) => steps.push(progress)
        });
        await cluster.gates.arrival('gate');
        await expect.poll(() => steps).toEqual([1, 2, 3]);
        const listening = (): number => balancer.answered.filter(({ method }) => method === 'GET').length;
        for (let i = 0; i < 3; i++) {
            const before = listening();
            balancer.cut();
            // The session's stream, and that of the call.
            await expect.poll(listening).toBe(before + 2);
        }
        await callBy(connected, 'announce', { text: 'after', count: 2 });
        cluster.gates.open('gate');
        expect(resultOf(await calling)).toMatch(/^progressed on node-/);
        expect(steps).toEqual([1, 2, 3, 4, 5, 6]);
        await expect.poll(() => announced).toEqual(['before 0', 'before 1', 'after 0', 'after 1']);
    });

    test('polls when the server ends the stream of a call', async () => {
        const { urls, cluster } = await start({ retryInterval: 10 });
        const { client } = await connect(urls);
        const calling = client.callTool({ name: 'poll', arguments: { gate: 'gate' } });
        await cluster.gates.arrival('gate');
        cluster.gates.open('gate');
        expect(resultOf(await calling)).toMatch(/^polled on node-/);
    });

    test('gets an error for a call whose node has died, and goes on', async () => {
        const { urls, cluster, ways } = await start({ nodeLeaseMs: 900 });
        const connected = await connect(urls);
        let calling: Promise<unknown> = Promise.resolve();
        await new Promise<string>(onresumptiontoken => {
            const params = { name: 'hold', arguments: { gate: 'gate' } };
            calling = connected.client.callTool(params, CallToolResultSchema, { onresumptiontoken });
        });
        const node = connected.balancer.lastPosted;
        ways[node]?.cut();
        await cluster.node(node).stop();
        await expect(calling).rejects.toThrow('has stopped');
        expect(await callBy(connected, 'whoami')).toMatchObject({ clientInfo: { name: 'sdk-client' } });
    });

    test('loses nothing when the nodes are replaced one after the other', async () => {
        const { urls, cluster } = await start();
        const connected = await connect(urls);
        const { client, announced } = connected;
        const calling = client.callTool({ name: 'hold', arguments: { gate: 'gate' } });
        await cluster.gates.arrival('gate');
        const expected: string[] = [];
        const running = connected.balancer.lastPosted;
        // The one that runs the call last, as its drain takes as long as the call.
        for (const node of [0, 1, 2].filter(index => index !== running)) {
            await callBy(connected, 'announce', { text: `before ${node}` });
            expected.push(`before ${node} 0`);
            await cluster.node(node).handler.close();
            await cluster.node(node).stop();
            await callBy(connected, 'announce', { text: `after ${node}` });
            expected.push(`after ${node} 0`);
            await expect.poll(() => announced, { timeout: 5_000 }).toEqual(expected);
        }
        cluster.gates.open('gate');
        expect(resultOf(await calling)).toBe(`held on node-${running + 1}`);
    });

    test('takes a call up again in a new process, by its resumption token', async () => {
        const { urls, cluster } = await start();
        const first = await connect(urls);
        let token: string | undefined;
        const params = { name: 'progress', arguments: { steps: 4, gate: 'gate', pauseAt: 2 } };
        const calling = first.client.request({ method: 'tools/call', params }, CallToolResultSchema, {
            onprogress: () => undefined,
            onresumptiontoken: value => (token = value)
        });
        calling.catch(() => undefined);
        await cluster.gates.arrival('gate');
        await expect.poll(() => token).toMatch(/\.2$/);
        const { sessionId } = first.transport;
        await first.client.close();

        // As a client does that continues a session: it connects with the session's id, and sends no `initialize`.
        const second = await connect(urls, sessionId === undefined ? {} : { sessionId });
        const taking: Promise<CallToolResult> = second.client.request({ method: 'tools/call', params }, CallToolResultSchema, {
            resumptionToken: token ?? ''
        });
        cluster.gates.open('gate');
        expect(resultOf(await taking)).toMatch(/^progressed on node-/);
    });
});

onEveryStore('clients of every revision', start => {
    test.for(['2025-03-26', '2025-06-18', '2025-11-25'])('%s: each request at another node', async version => {
        const { urls } = await start();
        const [a, b, c] = urls;
        const session = await begin(a, { at: b, version });
        expect(await callTool(c, session, 'whoami', {}, { version })).toMatchObject({ node: 'node-3' });
        const answer = await call(a, session, 'ask', { text: 'Name?' }, { version });
        const first = await answer.next();
        // Only the newest revision knows events without data.
        expect(first.message === undefined).toBe(version === '2025-11-25');
        const question = first.message ?? (await answer.message(asks('elicitation/create')));
        const result = { action: 'accept', content: { value: 'Ada' } };
        expect((await post(b, { jsonrpc: '2.0', id: question.id, result }, { session, version })).status).toBe(202);
        expect(toolResult(await answer.message(isFinal))).toMatchObject({ answer: { content: { value: 'Ada' } } });
    });

    test.for([true, false])('2025-03-26: batches of requests, notifications and replies (JSON answers: %s)', async enableJsonResponse => {
        const { urls, cluster } = await start({ enableJsonResponse });
        const [a, b, c] = urls;
        const version = '2025-03-26';
        const session = await begin(a, { version });
        const stream = await get(b, { session, version });
        const batch = [
            toolCall(1, 'whoami'),
            { jsonrpc: '2.0', method: 'notifications/roots/list_changed' },
            toolCall('two', 'whoami'),
            toolCall(3, 'announce', { text: 'from a batch' })
        ];
        const answer = await post(c, batch, { session, version });
        const responses: unknown = enableJsonResponse ? await answer.json() : (await answer.all()).map(({ message }) => message);
        expect(responses).toHaveLength(3);
        for (const id of [1, 'two', 3]) {
            expect(responses).toContainEqual(expect.objectContaining({ id, result: expect.anything() as unknown }));
        }
        expect((await stream.message()).params?.['data']).toMatchObject({ text: 'from a batch' });
        // The notification concerns every copy of the session.
        await expect
            .poll(() => cluster.nodes.map(node => node.log.notifications))
            .toEqual([['notifications/roots/list_changed'], [], ['notifications/roots/list_changed']]);
        stream.disconnect();
    });

    test('one that never opens the standalone stream misses only what is sent there', async () => {
        const { urls, cluster } = await start({ maxEventsPerStream: 20 });
        const [a, b, c] = urls;
        const session = await begin(a);
        for (const url of [a, b, c, a]) {
            expect(await callTool(url, session, 'announce', { text: 'nobody listens', count: 100 })).toBe('announced');
        }
        expect((await notify(b, session, 'notifications/roots/list_changed')).status).toBe(202);
        expect(await callTool(c, session, 'whoami')).toMatchObject({ node: 'node-3' });
        expect(cluster.nodes.flatMap(node => node.errors)).toEqual([]);
    });
});

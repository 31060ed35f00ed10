/** A session of three nodes in containers that share a real Redis and have nginx before them, as it looks from outside. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema, ElicitRequestSchema, LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { untilReady, untilUnready } from '../src/cluster/clusterNode.ts';
import { ContainerCluster } from '../src/cluster/containerCluster.ts';
import { callTool, get, initialize, type InitializeOptions, post, sendInitialized, type Session, terminate } from '../src/http/mcpHttp.ts';
import { availableImages, describeWithContainers } from './support/containers.ts';

const everyNode = ['node-1', 'node-2', 'node-3'];

describeWithContainers('three nodes that share Redis', () => {
    let cluster: ContainerCluster;
    let urls: readonly string[];
    let first: string;
    let second: string;
    let third: string;

    beforeAll(async () => {
        const { sdk, redis, proxy } = availableImages();
        cluster = await ContainerCluster.start({ image: sdk, redisImage: redis, proxyImage: proxy });
        useUrls();
    });

    afterAll(async () => {
        await cluster?.close();
    });

    /** A node that was started again has another URL. */
    function useUrls(): void {
        urls = cluster.nodes.map(node => node.url);
        [first, second, third] = [cluster.node(0).url, cluster.node(1).url, cluster.node(2).url];
    }

    /** A session that was made on the first node and initialized on the second. */
    async function openSession(options?: InitializeOptions): Promise<Session> {
        const { session } = await initialize(first, options);
        expect(await sendInitialized(second, session)).toMatchObject({ status: 202 });
        return session;
    }

    async function whoami(url: string, session: Session): Promise<Record<string, unknown>> {
        return z.record(z.string(), z.unknown()).parse(JSON.parse((await callTool(url, session, 'whoami')).text));
    }

    async function setLevel(url: string, session: Session, level: string): Promise<void> {
        const http = await post(url, { jsonrpc: '2.0', id: 1, method: 'logging/setLevel', params: { level } }, session);
        expect(await http.response()).toMatchObject({ result: {} });
    }

    describe('behind a proxy that has no affinity', () => {
        it('serve each step of a session on another node than the step before', async () => {
            const { session, nodeId: initializedBy } = await initialize(cluster.proxyUrl);
            const initialized = await sendInitialized(cluster.proxyUrl, session);
            const call = await callTool(cluster.proxyUrl, session, 'whoami');
            const end = await terminate(cluster.proxyUrl, session);

            expect([initialized.status, call.status, end.status]).toEqual([202, 200, 200]);
            expect([initializedBy, initialized.nodeId, call.nodeId].toSorted()).toEqual(everyNode);
            expect(end.nodeId).toBe(initializedBy);
            expect(JSON.parse(call.text)).toMatchObject({ node: call.nodeId, sessionId: session.id });
        });

        it('answer 404 on every node after DELETE', async () => {
            const session = await openSession();
            expect(await terminate(third, session)).toMatchObject({ status: 200, nodeId: 'node-3' });
            for (const url of urls) {
                const http = await post(url, { jsonrpc: '2.0', id: 1, method: 'ping' }, session);
                await http.discard();
                expect(http.status).toBe(404);
            }
        });

        it("serve the SDK's own client, which notices nothing", async () => {
            const transport = new StreamableHTTPClientTransport(new URL(cluster.proxyUrl));
            const client = new Client({ name: 'sdk-client', version: '1.0.0' }, { capabilities: { elicitation: { form: {} } } });
            client.setRequestHandler(ElicitRequestSchema, ({ params }) => ({
                action: 'accept',
                content: { value: `re: ${params.message}` }
            }));
            const logged = new Promise(resolve =>
                client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => resolve(params.data))
            );
            await client.connect(transport);
            const call = async (name: string, args: Record<string, unknown> = {}): Promise<unknown> => {
                const { content } = CallToolResultSchema.parse(await client.callTool({ name, arguments: args }));
                const [item] = content;
                return item?.type === 'text' ? item.text : undefined;
            };

            const nodes = new Set<unknown>();
            for (let i = 0; i < 30; i++) {
                nodes.add(z.object({ node: z.string() }).parse(JSON.parse(String(await call('whoami')))).node);
            }
            expect([...nodes].toSorted()).toEqual(everyNode);
            expect(JSON.parse(String(await call('ask', { kind: 'elicitation', text: 'who?' })))).toMatchObject({
                answer: { action: 'accept', content: { value: 're: who?' } }
            });
            expect(await call('announce', { text: 'to all' })).toBe('announced');
            expect(await logged).toMatchObject({ text: 'to all' });

            const sessionId = transport.sessionId ?? '';
            await transport.terminateSession();
            await client.close();
            for (const url of urls) {
                const http = await post(url, { jsonrpc: '2.0', id: 1, method: 'ping' }, { id: sessionId });
                await http.discard();
                expect(http.status).toBe(404);
            }
        });
    });

    describe('know the same of a session', () => {
        it('capabilities, client info and who made it', async () => {
            const capabilities = { roots: { listChanged: true }, sampling: {}, elicitation: { form: {} } };
            const clientInfo = { name: 'somebody', version: '1.2.3', title: 'Somebody' };
            const session = await openSession({ capabilities, clientInfo });
            const answers = await Promise.all(urls.map(url => whoami(url, session)));
            expect(answers).toEqual(
                everyNode.map(node => ({
                    node,
                    sessionId: session.id,
                    clientInfo,
                    clientCapabilities: capabilities,
                    principal: null,
                    logLevel: null
                }))
            );
        });

        it('the log level, wherever and however often it is set', async () => {
            const session = await openSession();
            for (const [index, level] of ['warning', 'debug', 'critical'].entries()) {
                await Promise.all(urls.map(url => whoami(url, session)));
                await setLevel(cluster.node(index).url, session, level);
                const answers = await Promise.all(urls.map(url => whoami(url, session)));
                expect(answers.map(({ logLevel }) => logLevel)).toEqual([level, level, level]);
            }
        });

        it.each(['2025-11-25', '2025-06-18'])('the protocol version %s, which decides how streams begin', async protocolVersion => {
            const { session } = await initialize(first, { protocolVersion });
            expect(session.protocolVersion).toBe(protocolVersion);
            await sendInitialized(second, session);
            for (const url of urls) {
                const http = await post(url, { jsonrpc: '2.0', id: 1, method: 'ping' }, session);
                const events = await Array.fromAsync(http.events());
                expect(events.map(({ data }) => data !== '')).toEqual(protocolVersion === '2025-11-25' ? [false, true] : [true]);
            }
        });

        it('that it is initialized, so that a second initialize is refused', async () => {
            const session = await openSession();
            for (const url of urls) {
                const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'again', version: '1' } };
                const http = await post(url, { jsonrpc: '2.0', id: 1, method: 'initialize', params }, session);
                expect(http.status).toBe(400);
                expect(await http.response()).toMatchObject({ error: { message: 'Invalid Request: Server already initialized' } });
            }
        });
    });

    describe('hand each other messages', () => {
        it('the reply to a question that another node asked', async () => {
            const session = await openSession({ capabilities: { roots: {} } });
            const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'ask', arguments: { kind: 'roots' } } };
            const http = await post(first, call, session);
            for await (const message of http.messages()) {
                if (message.method === 'roots/list') {
                    const reply = await post(second, { jsonrpc: '2.0', id: message.id, result: { roots: [] } }, session);
                    await reply.discard();
                    expect(reply).toMatchObject({ status: 202, nodeId: 'node-2' });
                } else {
                    const text = JSON.stringify({ node: 'node-1', answer: { roots: [] } });
                    expect(message).toMatchObject({ id: 1, result: { content: [{ text }] } });
                }
            }
        });

        it('a cancellation', async () => {
            const session = await openSession();
            const params = { name: 'sleep', arguments: { ms: 60_000, steps: 60_000 }, _meta: { progressToken: 'p' } };
            const http = await post(first, { jsonrpc: '2.0', id: 'long', method: 'tools/call', params }, session);
            const messages = http.messages();
            expect((await messages.next()).value).toMatchObject({ method: 'notifications/progress' });
            const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'long' } };
            await (await post(third, cancel, session)).discard();
            // The stream ends without a response, as the SDK gives none to a request that was cancelled.
            for await (const message of messages) {
                expect(message).toMatchObject({ method: 'notifications/progress' });
            }
            expect(JSON.parse((await callTool(first, session, 'aborted')).text)).toEqual({ node: 'node-1', requestIds: ['long'] });
            expect(JSON.parse((await callTool(third, session, 'aborted')).text)).toEqual({ node: 'node-3', requestIds: [] });
        });

        it('what goes to the standalone stream, wherever that is held', async () => {
            const session = await openSession();
            await setLevel(second, session, 'info');
            const stream = (await get(first, session)).messages();
            for (const url of urls) {
                await callTool(url, session, 'announce', { text: 'news', count: 2 });
            }
            const received: unknown[] = [];
            for (let i = 0; i < 6; i++) {
                received.push((await stream.next()).value);
            }
            await stream.return();
            const expected = everyNode.flatMap(node => [0, 1].map(i => ({ params: { data: { text: 'news', i, node } } })));
            expect(received).toMatchObject(expected);
        });

        it('the end of the session, which ends its handlers and streams', async () => {
            const session = await openSession();
            const standalone = await get(first, session);
            const params = { name: 'sleep', arguments: { ms: 60_000 } };
            const call = await post(second, { jsonrpc: '2.0', id: 1, method: 'tools/call', params }, session);
            expect(await terminate(third, session)).toMatchObject({ status: 200 });
            expect(await Array.fromAsync(standalone.messages())).toEqual([]);
            expect((await Array.fromAsync(call.messages())).filter(message => message.result !== undefined)).toEqual([]);
        });
    });

    describe('when things fail', () => {
        it('serve a session whose node was killed, and answer what it left open', async () => {
            const session = await openSession();
            const params = { name: 'sleep', arguments: { ms: 60_000 } };
            const http = await post(first, { jsonrpc: '2.0', id: 'open', method: 'tools/call', params }, session);
            const events = http.events();
            const { value: priming } = await events.next();
            await cluster.node(0).kill();
            await expect(events.next()).rejects.toThrow();
            expect(await whoami(second, session)).toMatchObject({ node: 'node-2', sessionId: session.id });
            const resumed = await get(third, session, priming?.id);
            expect(await resumed.response()).toMatchObject({ id: 'open', error: { code: expect.any(Number) as unknown } });
            await cluster.node(0).start();
            useUrls();
            expect(await whoami(first, session)).toMatchObject({ node: 'node-1', sessionId: session.id });
        });

        it('drain on SIGTERM, and let clients go on elsewhere', async () => {
            const session = await openSession();
            const standalone = await get(third, session);
            const params = { name: 'sleep', arguments: { ms: 1_000 } };
            const call = await post(third, { jsonrpc: '2.0', id: 1, method: 'tools/call', params }, session);
            const [{ exitCode }, response] = await Promise.all([cluster.node(2).stop(), call.response(), standalone.discard()]);
            expect(exitCode).toBe(0);
            expect(response).toMatchObject({ id: 1, result: { content: [{ text: 'slept 1000 on node-3' }] } });
            expect(await whoami(first, session)).toMatchObject({ sessionId: session.id });
            await cluster.node(2).start();
            useUrls();
        });

        it('answer 503, not 404, while the store is away, and heal with its data', async () => {
            const session = await openSession();
            await whoami(first, session);
            await cluster.store.stop();
            for (const node of cluster.nodes) {
                const http = await post(node.url, { jsonrpc: '2.0', id: 1, method: 'ping' }, session);
                await http.discard();
                expect(http.status).toBe(503);
                expect(http.header('retry-after')).toMatch(/^\d+$/);
                await untilUnready(node);
            }
            await cluster.store.start();
            await Promise.all(cluster.nodes.map(node => untilReady(node)));
            expect(await Promise.all(urls.map(url => whoami(url, session)))).toMatchObject(everyNode.map(node => ({ node })));
        });

        it('answer 503 on a node that is cut off from the store, and go on when it is back', async () => {
            const session = await openSession();
            const node = cluster.node(1);
            await node.container.disconnect();
            const http = await post(node.url, { jsonrpc: '2.0', id: 1, method: 'ping' }, session);
            await http.discard();
            expect(http.status).toBe(503);
            expect(await whoami(first, session)).toMatchObject({ node: 'node-1' });
            await node.container.connect();
            await untilReady(node);
            expect(await whoami(second, session)).toMatchObject({ node: 'node-2' });
        });
    });
});

/** What the contract asks of every fixture server that does not need a second node. */
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { request } from 'undici';
import { ProcessCluster, ProcessNode } from '../src/cluster/processCluster.ts';
import { callTool, get, initialize, type InitializeOptions, post, sendInitialized, type Session, terminate } from '../src/http/mcpHttp.ts';

const fixture = (name: string) => path.resolve(import.meta.dirname, `../fixtures/${name}/server.ts`);

function startOne(script: string, environment: Record<string, string> = {}): Promise<ProcessCluster> {
    return ProcessCluster.start({ script, nodes: 1, storeUrl: 'memory:', environment });
}

let ownClusters: ProcessCluster[] = [];

/** Starts a node for the present test only. */
async function startNode(script: string, environment?: Record<string, string>): Promise<ProcessNode> {
    const cluster = await startOne(script, environment);
    ownClusters.push(cluster);
    return cluster.node(0);
}

/** A session that can be used at once. */
async function openSession(url: string, options?: InitializeOptions): Promise<Session> {
    const { session } = await initialize(url, options);
    await sendInitialized(url, session);
    return session;
}

afterEach(async () => {
    const clusters = ownClusters;
    ownClusters = [];
    await Promise.all(clusters.map(cluster => cluster.close()));
});

describe.each(['sdk', 'upstream'])('the %s fixture', name => {
    const script = fixture(name);
    let shared: ProcessCluster;
    let url: string;

    beforeAll(async () => {
        shared = await startOne(script);
        ({ url } = shared.node(0));
    });

    afterAll(async () => {
        await shared?.close();
    });

    it('names its node in every answer of the application', async () => {
        const { session, nodeId } = await initialize(url);
        const answers = [
            { nodeId },
            await sendInitialized(url, session),
            await callTool(url, session, 'whoami'),
            await get(url, session),
            await post(url, 'no message', session),
            await terminate(url, session),
            await terminate(url, { ...session, id: 'unknown' })
        ];
        expect(answers.map(answer => answer.nodeId)).toEqual(answers.map(() => 'node-1'));
    });

    it('tells what it knows of the session', async () => {
        const session = await openSession(url, {
            capabilities: { roots: { listChanged: true } },
            clientInfo: { name: 'me', version: '2' }
        });
        await (await post(url, { jsonrpc: '2.0', id: 1, method: 'logging/setLevel', params: { level: 'notice' } }, session)).discard();
        expect(JSON.parse((await callTool(url, session, 'whoami')).text)).toEqual({
            node: 'node-1',
            sessionId: session.id,
            clientInfo: { name: 'me', version: '2' },
            clientCapabilities: { roots: { listChanged: true } },
            principal: null,
            logLevel: 'notice'
        });
    });

    it('reports its progress step by step, all before the result', async () => {
        const session = await openSession(url);
        const params = { name: 'sleep', arguments: { ms: 60, steps: 3 }, _meta: { progressToken: 'token' } };
        const messages = await Array.fromAsync(
            (await post(url, { jsonrpc: '2.0', id: 7, method: 'tools/call', params }, session)).messages()
        );
        expect(messages).toEqual([
            ...[1, 2, 3].map(progress => ({
                jsonrpc: '2.0',
                method: 'notifications/progress',
                params: { progressToken: 'token', progress, total: 3 }
            })),
            { jsonrpc: '2.0', id: 7, result: { content: [{ type: 'text', text: 'slept 60 on node-1' }] } }
        ]);
    });

    it.each([
        ['elicitation', 'elicitation/create', { action: 'accept', content: { value: 'yes' } }],
        ['sampling', 'sampling/createMessage', { role: 'assistant', model: 'm', content: { type: 'text', text: 'hi' } }],
        ['roots', 'roots/list', { roots: [{ uri: 'file:///a' }] }]
    ])('asks the client for %s and returns the whole answer', async (kind, method, answer) => {
        const session = await openSession(url, { capabilities: { elicitation: {}, sampling: {}, roots: {} } });
        const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'ask', arguments: { kind, text: 'well?' } } };
        const asked: unknown[] = [];
        for await (const message of (await post(url, call, session)).messages()) {
            asked.push(message);
            if (message.method === method) {
                await (await post(url, { jsonrpc: '2.0', id: message.id, result: answer }, session)).discard();
            }
        }
        expect(asked).toHaveLength(2);
        expect(asked[1]).toMatchObject({ id: 1, result: { content: [{ text: JSON.stringify({ node: 'node-1', answer }) }] } });
    });

    it('returns an error that the client answers with', async () => {
        const session = await openSession(url, { capabilities: { roots: {} } });
        const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'ask', arguments: { kind: 'roots' } } };
        let result: unknown;
        for await (const message of (await post(url, call, session)).messages()) {
            if (message.method === 'roots/list') {
                await (await post(url, { jsonrpc: '2.0', id: message.id, error: { code: -32001, message: 'no' } }, session)).discard();
            } else {
                result = message.result;
            }
        }
        expect(result).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('-32001') as unknown }] });
    });

    it('logs messages that belong to no request to the standalone stream, if they are severe enough', async () => {
        const session = await openSession(url);
        const stream = (await get(url, session)).messages();
        const setLevel = async (level: string) =>
            (await post(url, { jsonrpc: '2.0', id: level, method: 'logging/setLevel', params: { level } }, session)).discard();
        await setLevel('error');
        await callTool(url, session, 'announce', { text: 'hidden' });
        await setLevel('info');
        expect(await callTool(url, session, 'announce', { text: 'seen', count: 2 })).toMatchObject({ text: 'announced' });
        const received = [(await stream.next()).value, (await stream.next()).value];
        await stream.return();
        expect(received).toEqual(
            [0, 1].map(i => ({
                jsonrpc: '2.0',
                method: 'notifications/message',
                params: { level: 'info', data: { text: 'seen', i, node: 'node-1' } }
            }))
        );
    });

    it('remembers which sleep calls were aborted', async () => {
        const session = await openSession(url);
        const params = { name: 'sleep', arguments: { ms: 60_000, steps: 60_000 }, _meta: { progressToken: 1 } };
        const stream = (await post(url, { jsonrpc: '2.0', id: 'long', method: 'tools/call', params }, session)).messages();
        await stream.next();
        expect(JSON.parse((await callTool(url, session, 'aborted')).text)).toEqual({ node: 'node-1', requestIds: [] });
        const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'long' } };
        await (await post(url, cancel, session)).discard();
        expect(JSON.parse((await callTool(url, session, 'aborted')).text)).toEqual({ node: 'node-1', requestIds: ['long'] });
        await stream.return();
    });

    it('demands a bearer token on /mcp only, if told so', async () => {
        const { url } = await startNode(script, { AUTH: 'bearer' });
        const refused = await post(url, { jsonrpc: '2.0', id: 1, method: 'ping' });
        await refused.discard();
        expect(refused).toMatchObject({ status: 401, nodeId: 'node-1' });
        expect(refused.header('www-authenticate')).toMatch(/^Bearer/);
        const session = await openSession(url, { token: 'user:ann' });
        expect(JSON.parse((await callTool(url, session, 'whoami')).text)).toMatchObject({ principal: 'ann' });
    });

    it('answers in JSON if told so', async () => {
        const { url } = await startNode(script, { RESPONSE_MODE: 'json' });
        const session = await openSession(url);
        const response = await post(url, { jsonrpc: '2.0', id: 1, method: 'ping' }, session);
        expect(response.header('content-type')).toMatch(/^application\/json/);
        expect(await response.response()).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
    });

    it.each([
        ['1', true],
        ['0', false]
    ])('gives events an id if RESUMABLE=%s: %s', async (RESUMABLE, resumable) => {
        const { url } = await startNode(script, { RESUMABLE });
        const session = await openSession(url);
        const events = await Array.fromAsync((await post(url, { jsonrpc: '2.0', id: 1, method: 'ping' }, session)).events());
        expect(events.map(event => event.id !== undefined)).toEqual(resumable ? [true, true] : [false]);
    });

    it('refuses requests that a web page of another origin makes', async () => {
        const { statusCode, body } = await request(url, { method: 'POST', headers: { origin: 'http://evil.example.com' } });
        await body.dump();
        expect(statusCode).toBe(403);
    });

    it('exits with 0 on SIGTERM, ending streams that are open', async () => {
        const node = await startNode(script);
        const session = await openSession(node.url);
        const stream = await get(node.url, session);
        const [{ exitCode }] = await Promise.all([node.stop(), stream.discard().catch(() => undefined)]);
        expect(exitCode).toBe(0);
    });

    it.each([
        ['NODE_ID', 'Node_1'],
        ['SESSION_TTL_MS', '-1'],
        ['RESPONSE_MODE', 'xml']
    ])('does not start with a wrong %s, and says so', async (variable, value) => {
        const id = variable === 'NODE_ID' ? value : 'node-1';
        const node = ProcessNode.spawn(id, { script, storeUrl: 'memory:', environment: { [variable]: value } });
        expect(await node.ended()).toEqual({ exitCode: 1 });
        expect(node.logs()).toContain(variable);
    });
});

describe('the sdk fixture', () => {
    it('does not start with a store that there is no driver for, and says so', async () => {
        const node = ProcessNode.spawn('node-1', { script: fixture('sdk'), storeUrl: 'postgres://user:pw@127.0.0.1:1/db' });
        expect(await node.ended()).toEqual({ exitCode: 1 });
        expect(node.logs()).toMatch(/^Can't start: STORE_URL.*postgres/m);
    });
});

import { afterEach, describe, expect, test } from 'vitest';
import { TestCluster, type ClusterOptions } from './support/cluster.ts';
import { CLIENT_CAPABILITIES, begin, call, callTool, del, get, initializeMessage, isFinal, post, toolResult } from './support/mcpRequests.ts';

let cluster: TestCluster;

async function start(count: number, options?: ClusterOptions): Promise<string[]> {
    cluster = await TestCluster.start(count, options);
    return cluster.nodes.map(node => node.url);
}

afterEach(() => cluster.close());

describe('R1: a session made on any node is good on every node at once', () => {
    test('initialize, initialized, call and DELETE each at another node', async () => {
        const [a = '', b = '', c = ''] = await start(3);
        const session = await begin(a, { at: b });
        expect(await callTool(c, session, 'whoami')).toMatchObject({
            node: 'node-3',
            sessionId: session,
            clientInfo: { name: 'test-client', version: '1.2.3' },
            clientCapabilities: CLIENT_CAPABILITIES
        });
        expect((await del(b, { session })).status).toBe(200);
        for (const url of [a, b, c]) {
            expect((await call(url, session, 'whoami')).status).toBe(404);
        }
    });
});

describe('R11: a reply reaches the node that waits, wherever it is posted', () => {
    test('elicitation', async () => {
        const [a = '', b = ''] = await start(2);
        const session = await begin(a);
        const answer = await call(a, session, 'ask', { text: 'Name?' });
        const question = await answer.message(message => message.method === 'elicitation/create');
        const reply = await post(
            b,
            { jsonrpc: '2.0', id: question.id, result: { action: 'accept', content: { value: 'Ada' } } },
            { session, version: '2025-11-25' }
        );
        expect(reply.status).toBe(202);
        expect(toolResult(await answer.message(isFinal))).toMatchObject({ node: 'node-1', answer: { content: { value: 'Ada' } } });
    });
});

describe('R13', () => {
    test('announcements reach the standalone stream at another node', async () => {
        const [a = '', b = ''] = await start(2);
        const session = await begin(a);
        const stream = await get(b, { session, version: '2025-11-25' });
        expect(stream.status).toBe(200);
        await callTool(a, session, 'announce', { text: 'hello', count: 3 });
        for (let i = 0; i < 3; i++) {
            expect((await stream.message()).params?.['data']).toEqual({ text: 'hello', i, node: 'node-1' });
        }
        stream.disconnect();
    });
});

describe('R14', () => {
    test('a stream is resumed at another node, follows live and ends with the response', async () => {
        const [a = '', b = ''] = await start(2);
        const session = await begin(a);
        const first = await call(a, session, 'progress', { steps: 4, gate: 'half', pauseAt: 2 }, { progressToken: 'p' });
        await first.next();
        const one = await first.message();
        await cluster.gates.arrival('half');
        first.disconnect();
        const second = await get(b, { session, version: '2025-11-25', lastEventId: one.eventId });
        expect((await second.message()).params).toMatchObject({ progress: 2 });
        cluster.gates.open('half');
        expect((await second.message()).params).toMatchObject({ progress: 3 });
        expect((await second.message()).params).toMatchObject({ progress: 4 });
        expect(toolResult(await second.message(isFinal))).toBe('progressed on node-1');
        await second.ended();
    });
});

test('an unused import check', () => {
    expect(initializeMessage()).toBeDefined();
});

import { expect, test } from 'vitest';
import { faces } from './support/cluster.ts';
import { CLIENT_CAPABILITIES, begin, callTool, initializeMessage, post } from './support/mcpRequests.ts';
import { describeOnStores } from './support/watchedNodes.ts';

const again = initializeMessage('2025-11-25', { sampling: {} });

describeOnStores('R10: a second initialize within a session is refused as upstream does', start => {
    test.each(faces)('on any node, warm or cold [%s]', async face => {
        const { urls, nodes, stores } = await start({ face });
        const [a, b] = urls;
        const session = await begin(a, { at: b });
        for (const url of urls) {
            const answer = await post(url, again, { session });
            expect(answer.status).toBe(400);
            expect(answer.header('mcp-session-id')).toBeUndefined();
            expect(await answer.json()).toEqual({
                jsonrpc: '2.0',
                id: null,
                error: { code: -32600, message: 'Invalid Request: Server already initialized' }
            });
        }
        expect(nodes[2].log.built).toEqual([]);
        expect(stores.flatMap(store => store.calls).filter(({ operation }) => operation === 'sessions.create')).toHaveLength(1);
        for (const url of urls) {
            expect(await callTool(url, session, 'whoami')).toMatchObject({ clientCapabilities: CLIENT_CAPABILITIES });
        }
    });

    test('in a batch, with a session or without one', async () => {
        const { urls, nodes, stores } = await start();
        const session = await begin(urls[0]);
        const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
        const calls = stores.map(store => store.calls.length);
        for (const url of urls) {
            for (const batch of [
                [again, ping],
                [ping, again],
                [again, initializeMessage()]
            ]) {
                for (const options of [{ session }, {}]) {
                    const answer = await post(url, batch, options);
                    expect(answer.status).toBe(400);
                    expect(answer.header('mcp-session-id')).toBeUndefined();
                    expect(await answer.json()).toEqual({
                        jsonrpc: '2.0',
                        id: null,
                        error: { code: -32600, message: 'Invalid Request: Only one initialization request is allowed' }
                    });
                }
            }
        }
        expect(stores.map(store => store.calls.filter(({ operation }) => operation.startsWith('sessions.c')).length)).toEqual([1, 0, 0]);
        expect(nodes.map(node => node.log.built.length)).toEqual([1, 0, 0]);
        expect(calls[1]).toBe(0);
    });

    test('a batch of nothing but initialize begins a session', async () => {
        const { urls } = await start();
        const answer = await post(urls[0], [initializeMessage()]);
        expect(answer.status).toBe(200);
        const session = answer.header('mcp-session-id') ?? '';
        expect(await answer.json()).toMatchObject({ id: 0, result: { serverInfo: { name: 'test-server' } } });
        expect(await callTool(urls[1], session, 'whoami')).toMatchObject({ node: 'node-2', sessionId: session });
    });
});

import { describe, expect, test } from 'vitest';
import { faces } from './support/cluster.ts';
import { begin, callTool, del, get } from './support/mcpRequests.ts';
import { requestsThatNameASession, sessionRequests } from './support/sessionRequests.ts';
import { describeOnStores, memoryOnly } from './support/watchedNodes.ts';

const notFound = { jsonrpc: '2.0', error: { code: -32001, message: 'Session not found' }, id: null };

describeOnStores('R2: a session that is not there is 404 on every node alike', start => {
    test.each(faces)('an unknown session [%s]', async face => {
        const { urls, nodes } = await start({ face });
        for (const { what, send } of requestsThatNameASession) {
            for (const url of urls) {
                const answer = await send(url, { session: 'never-heard-of' });
                expect({ what, status: answer.status, body: await answer.json() }).toEqual({ what, status: 404, body: notFound });
                expect(answer.header('mcp-session-id')).toBeUndefined();
            }
        }
        expect(nodes.flatMap(node => [...node.log.built, ...node.errors])).toEqual([]);
    });

    test('a deleted session, on the nodes that held it, on the one that deleted it, and on one that never saw it', async () => {
        const { urls, nodes } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        expect((await del(b, { session })).status).toBe(200);
        for (const { what, send } of requestsThatNameASession) {
            for (const url of urls) {
                const answer = await send(url, { session });
                expect({ what, status: answer.status, body: await answer.json() }).toEqual({ what, status: 404, body: notFound });
            }
        }
        expect(nodes.map(node => node.handler.liveSessions)).toEqual([0, 0, 0]);
    });

    test('an expired session, on a node that holds a copy and on one that does not', async () => {
        const { urls, nodes, store } = await start({ sessionTtlMs: 700 });
        const [a, b] = urls;
        const session = await begin(a, { at: b });
        await expect.poll(() => store.sessions.nodes(session)).toEqual([]);
        expect(nodes[0].handler.liveSessions).toBe(1);
        for (const { what, send } of requestsThatNameASession) {
            for (const url of urls) {
                const answer = await send(url, { session });
                expect({ what, status: answer.status, body: await answer.json() }).toEqual({ what, status: 404, body: notFound });
            }
        }
        // Nodes notice that their copies are of no use.
        expect(nodes.map(node => node.handler.liveSessions)).toEqual([0, 0, 0]);
        expect(nodes.map(node => node.log.closed)).toEqual([[session], [session], []]);
    });
});

describe('R2: a request that names no session, or names it badly, is 400 and costs no store call', () => {
    describeOnStores(
        'any node',
        start => {
            test.each(faces)('no session id [%s]', async face => {
                const { urls, stores } = await start({ face });
                const [a, b] = urls;
                const session = await begin(a);
                stores.forEach(store => store.calls.splice(0));
                for (const { what, send } of sessionRequests) {
                    for (const url of [a, b]) {
                        const answer = await send(url, {});
                        expect({ what, status: answer.status }).toEqual({ what, status: 400 });
                        expect(await answer.json()).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32000 } });
                    }
                }
                expect(stores.flatMap(store => store.calls)).toEqual([]);
                expect(await callTool(b, session, 'whoami')).toMatchObject({ node: 'node-2' });
            });

            const malformed = {
                empty: '',
                'a byte that is not ASCII': 'session-\xe9',
                'a control character': 'session\tid',
                'a space': 'session id',
                '257 characters': 'x'.repeat(257),
                '8,000 characters': 'x'.repeat(8_000)
            };
            test.each(faces.flatMap(face => Object.entries(malformed).map(([what, id]) => ({ face, what, id }))))(
                '$what [$face]',
                async ({ face, id }) => {
                    const { urls, stores } = await start({ face });
                    for (const { what, send } of requestsThatNameASession) {
                        for (const url of urls) {
                            const answer = await send(url, { session: id });
                            expect({ what, status: answer.status }).toEqual({ what, status: 400 });
                            expect(await answer.json()).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32000 } });
                        }
                    }
                    expect(stores.flatMap(store => store.calls)).toEqual([]);
                }
            );

            test('characters that Node does not let in but web-standard requests may carry', async () => {
                const { nodes, stores } = await start();
                for (const id of ['a\x01b', 'a\x7fb', 'a\u00ffb']) {
                    const headers = { accept: 'text/event-stream', 'mcp-session-id': id };
                    const answer = await nodes[0].handler.fetch(new Request('http://node/mcp', { headers }));
                    expect(answer.status).toBe(400);
                }
                expect(stores.flatMap(store => store.calls)).toEqual([]);
            });

            test('two session ids', async () => {
                const { urls, stores } = await start();
                const [a] = urls;
                const session = await begin(a);
                stores.forEach(store => store.calls.splice(0));
                const answer = await get(a, { headers: { 'mcp-session-id': `${session}, ${session}` } });
                expect(answer.status).toBe(400);
                expect(stores.flatMap(store => store.calls)).toEqual([]);
            });

            test('256 visible characters are a session id', async () => {
                const id = `!~${'x'.repeat(254)}`;
                const { urls } = await start({ sessionIdGenerator: () => id });
                const [a, b] = urls;
                expect(await begin(a)).toBe(id);
                expect(await callTool(b, id, 'whoami')).toMatchObject({ node: 'node-2', sessionId: id });
            });
        },
        memoryOnly
    );
});

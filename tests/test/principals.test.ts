import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js';
import { describe, expect, test } from 'vitest';
import { faces, type TestNode } from './support/cluster.ts';
import { begin, call, callTool, del, get, initializeMessage, isFinal, post, toolResult } from './support/mcpRequests.ts';
import { requestsThatNameASession } from './support/sessionRequests.ts';
import { describeOnStores, memoryOnly } from './support/watchedNodes.ts';

const ada = { user: 'ada' };
const strangers = [{ who: 'another principal', user: 'eve' }, { who: 'nobody' }];

describeOnStores('R9: a session serves only the principal that made it', start => {
    test.each(faces)('a stranger gets, for every request at every node, what an unknown session gets [%s]', async face => {
        const { urls, nodes } = await start({ face });
        const [a, b] = urls;
        const session = await begin(a, { at: b, ...ada });
        const stream = await get(b, { session, ...ada });
        const asked = await call(a, session, 'ask', { text: 'Name?' }, { ...ada, id: 'asked' });
        const question = await asked.message(({ method }) => method === 'elicitation/create');

        for (const { who, user } of strangers) {
            for (const url of urls) {
                for (const { what, send } of requestsThatNameASession) {
                    const refused = await send(url, { session, user });
                    const unknown = await send(url, { session: 'unknown', user });
                    expect({ who, what, status: refused.status, body: await refused.json() }).toEqual({
                        who,
                        what,
                        status: 404,
                        body: await unknown.json()
                    });
                    const { date: _, ...headers } = refused.headers;
                    const { date: __, ...unknownHeaders } = unknown.headers;
                    expect(headers).toEqual(unknownHeaders);
                }
                const reply = { jsonrpc: '2.0', id: question.id, result: { action: 'accept', content: { value: 'Eve' } } };
                const cancellation = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'asked' } };
                for (const message of [reply, cancellation]) {
                    expect((await post(url, message, { session, user })).status).toBe(404);
                }
            }
        }

        // The owner has noticed nothing.
        const reply = { jsonrpc: '2.0', id: question.id, result: { action: 'accept', content: { value: 'Ada' } } };
        expect((await post(b, reply, { session, ...ada })).status).toBe(202);
        expect(toolResult(await asked.message(isFinal))).toMatchObject({ answer: { content: { value: 'Ada' } } });
        await callTool(a, session, 'announce', { text: 'for Ada' }, ada);
        expect((await stream.message()).params).toMatchObject({ data: { text: 'for Ada' } });
        stream.disconnect();
        expect(nodes.flatMap(node => node.log.aborted)).toEqual([]);
        expect(nodes[2].log.built).toEqual([]);
        for (const url of urls) {
            expect(await callTool(url, session, 'whoami', {}, ada)).toMatchObject({ principal: 'ada' });
        }
    });

    test('a session of nobody serves nobody else', async () => {
        const { urls } = await start();
        const [a, b, c] = urls;
        const session = await begin(a, { at: b });
        for (const url of urls) {
            expect((await call(url, session, 'whoami', {}, ada)).status).toBe(404);
            expect((await del(url, { session, ...ada })).status).toBe(404);
        }
        expect(await callTool(c, session, 'whoami')).toMatchObject({ principal: null });
    });

    test('the owner and a stranger who ask a cold node at the same time', async () => {
        const { urls, nodes } = await start();
        const [a, , c] = urls;
        const session = await begin(a, ada);
        const statuses = await Promise.all(
            Array.from(
                { length: 20 },
                async (_, index) => (await call(c, session, 'whoami', {}, index % 2 === 0 ? { user: 'eve' } : ada)).status
            )
        );
        expect(statuses).toEqual(statuses.map((_, index) => (index % 2 === 0 ? 404 : 200)));
        expect(nodes[2].log.built).toHaveLength(1);
        expect(nodes[2].handler.liveSessions).toBe(1);
    });

    test('tokens are never stored', async () => {
        const { urls, stores } = await start();
        const [a, b, c] = urls;
        const session = await begin(a, { at: b, ...ada });
        await (
            await post(b, { jsonrpc: '2.0', id: 1, method: 'logging/setLevel', params: { level: 'info' } }, { session, ...ada })
        ).ended();
        const stream = await get(c, { session, ...ada });
        await callTool(b, session, 'announce', { text: 'hello' }, ada);
        const asked = await call(c, session, 'ask', { text: 'Name?' }, ada);
        const question = await asked.message(({ method }) => method === 'elicitation/create');
        await post(a, { jsonrpc: '2.0', id: question.id, result: { action: 'decline' } }, { session, ...ada });
        await post(a, { jsonrpc: '2.0', method: 'notifications/roots/list_changed' }, { session, ...ada });
        await asked.ended();
        stream.disconnect();
        await del(a, { session, ...ada });
        const calls = stores.flatMap(store => store.calls);
        // Only if what is looked for would be found is it of use to find nothing.
        expect(calls.map(({ operation }) => operation)).toEqual(
            expect.arrayContaining(['sessions.create', 'sessions.update', 'streams.append', 'streams.publish', 'inboxes.send'])
        );
        const written = JSON.stringify(calls);
        expect(written).toContain('ada');
        expect(written).not.toContain('secret-ada');
        expect(written).not.toContain('Bearer');
    });
});

/** Sends a request with what a middleware has found in its token. */
async function requestAs(node: TestNode, authInfo: AuthInfo | undefined, session: string | undefined, body: object): Promise<Response> {
    const headers = new Headers({ 'content-type': 'application/json', accept: 'application/json, text/event-stream' });
    if (session !== undefined) {
        headers.set('mcp-session-id', session);
    }
    const request = new Request('http://node/mcp', { method: 'POST', headers, body: JSON.stringify(body) });
    return node.handler.handleWebRequest(request, authInfo && { authInfo });
}

async function beginAs(node: TestNode, authInfo: AuthInfo | undefined): Promise<string> {
    return (await requestAs(node, authInfo, undefined, initializeMessage())).headers.get('mcp-session-id') ?? '';
}

const whoami = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'whoami', arguments: {} } };

function token(fields: Partial<AuthInfo>): AuthInfo {
    return { token: 'secret', clientId: 'client', scopes: [], ...fields };
}

describe('R9: whom a session belongs to', () => {
    const ofClient = token({});
    const ofSubject = token({ extra: { iss: 'https://issuer', sub: 'ada' } });
    const cases: { what: string; owner: AuthInfo | undefined; same: (AuthInfo | undefined)[]; others: (AuthInfo | undefined)[] }[] = [
        {
            what: 'the client, whatever its token',
            owner: ofClient,
            same: [token({ token: 'renewed' }), token({ scopes: ['more'] }), token({ extra: { name: 'x' } }), token({ expiresAt: 1 })],
            others: [undefined, token({ clientId: 'another' }), token({ clientId: '' }), ofSubject]
        },
        {
            what: 'issuer and subject, where they are known, whatever the client',
            owner: ofSubject,
            same: [token({ clientId: 'another', extra: { iss: 'https://issuer', sub: 'ada' } })],
            others: [
                undefined,
                ofClient,
                token({ clientId: 'ada' }),
                token({ extra: { iss: 'https://issuer', sub: 'eve' } }),
                token({ extra: { iss: 'https://another', sub: 'ada' } }),
                token({ extra: { sub: 'ada' } }),
                token({ extra: { iss: 'https://issuer' } }),
                token({ clientId: 'https://issuer","ada' })
            ]
        },
        {
            what: 'nobody',
            owner: undefined,
            same: [undefined],
            others: [ofClient, ofSubject, token({ clientId: '' })]
        }
    ];

    describeOnStores('default', start => {
        test.each(cases)('$what', async ({ owner, same, others }) => {
            const { nodes } = await start();
            const session = await beginAs(nodes[0], owner);
            for (const node of nodes) {
                for (const authInfo of others) {
                    expect((await requestAs(node, authInfo, session, whoami)).status).toBe(404);
                }
            }
            for (const node of nodes) {
                for (const authInfo of [owner, ...same]) {
                    expect((await requestAs(node, authInfo, session, whoami)).status).toBe(200);
                }
                for (const authInfo of others) {
                    expect((await requestAs(node, authInfo, session, whoami)).status).toBe(404);
                }
            }
        });

        test('another rule, by the option principal', async () => {
            const { nodes } = await start({ principal: authInfo => authInfo?.scopes.find(scope => scope.startsWith('tenant:')) });
            const ofTenant = token({ clientId: 'one', scopes: ['read', 'tenant:a'] });
            const session = await beginAs(nodes[0], ofTenant);
            const colleague = token({ clientId: 'two', scopes: ['tenant:a', 'write'] });
            const competitor = token({ clientId: 'one', scopes: ['tenant:b'] });
            for (const node of nodes) {
                expect((await requestAs(node, competitor, session, whoami)).status).toBe(404);
                expect((await requestAs(node, undefined, session, whoami)).status).toBe(404);
                expect((await requestAs(node, colleague, session, whoami)).status).toBe(200);
            }
        });

        test('a principal without characters is not nobody', async () => {
            const { nodes } = await start({ principal: authInfo => authInfo?.clientId });
            const empty = token({ clientId: '' });
            const session = await beginAs(nodes[0], empty);
            const ofNobody = await beginAs(nodes[0], undefined);
            for (const node of nodes) {
                expect((await requestAs(node, undefined, session, whoami)).status).toBe(404);
                expect((await requestAs(node, empty, session, whoami)).status).toBe(200);
                expect((await requestAs(node, empty, ofNobody, whoami)).status).toBe(404);
                expect((await requestAs(node, undefined, ofNobody, whoami)).status).toBe(200);
            }
        });

        test('a principal of any characters', async () => {
            const { nodes } = await start({ principal: authInfo => authInfo?.clientId });
            const names = ['{a}', 'a\nb', 'a\u0000b', 'ünï', '💥', '\ud800', 'x'.repeat(5_000), '__proto__'];
            for (const clientId of names) {
                const session = await beginAs(nodes[0], token({ clientId }));
                expect((await requestAs(nodes[1], token({ clientId }), session, whoami)).status).toBe(200);
                expect((await requestAs(nodes[2], token({ clientId: `${clientId}!` }), session, whoami)).status).toBe(404);
            }
        });
    });
});

describeOnStores(
    'R9: handlers see who makes the request at hand',
    start => {
        test('not who made the session, or the copy', async () => {
            const seen: (AuthInfo | undefined)[] = [];
            const { nodes } = await start({
                principal: () => 'all the same',
                factory: ({ transport }) => ({
                    connect: () => {
                        transport.onmessage = (message, extra) => {
                            seen.push(extra?.authInfo);
                            if ('method' in message && 'id' in message) {
                                const result =
                                    message.method === 'initialize'
                                        ? { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 's', version: '0' } }
                                        : {};
                                void transport.send({ jsonrpc: '2.0', id: message.id, result });
                            }
                        };
                        return transport.start();
                    },
                    close: () => transport.close()
                })
            });
            const [one, two, three] = [token({ token: 'one' }), token({ token: 'two' }), token({ token: 'three' })];
            const session = await beginAs(nodes[0], one);
            await (await requestAs(nodes[0], two, session, whoami)).text();
            await requestAs(nodes[0], three, session, { jsonrpc: '2.0', method: 'notifications/roots/list_changed' });
            expect(seen.splice(0)).toEqual([one, two, three]);
            await (await requestAs(nodes[1], two, session, whoami)).text();
            // Nobody makes the request that is replayed.
            expect(seen).toEqual([undefined, two]);
        });
    },
    memoryOnly
);

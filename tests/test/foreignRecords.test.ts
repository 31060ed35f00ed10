import type { StoredSession, TransportStore } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { expect, test } from 'vitest';
import { CLIENT_CAPABILITIES, begin, call, callTool, del, get, post } from './support/mcpRequests.ts';
import { sessionRequests } from './support/sessionRequests.ts';
import { describeOnStores, memoryOnly } from './support/watchedNodes.ts';

const ttlMs = 60_000;

async function read(store: TransportStore, session: string): Promise<StoredSession> {
    const opened = await store.sessions.open(session, { ttlMs });
    if (opened.status !== 'ok') {
        throw new Error(`There is no session ${session}`);
    }
    return opened.session;
}

/** A record as this library writes it, with some fields replaced or, where `undefined`, left out. */
async function recordWith(store: TransportStore, session: string, fields: Record<string, unknown>): Promise<string> {
    const record: unknown = JSON.parse((await read(store, session)).record);
    return JSON.stringify(Object.assign({}, record, fields));
}

const corrupt: Record<string, string | Record<string, unknown>> = {
    'no JSON': 'hello',
    nothing: '',
    'half of a record': '{"version":1,"initialize":{"protocolVersion":"2025-11-25"',
    null: 'null',
    'a number': '1',
    'a text': '"record"',
    'a list': '[]',
    'no version': { version: undefined },
    'a version that is no number': { version: '1' },
    'no initialize': { initialize: undefined },
    'an initialize of nothing': { initialize: null },
    'an initialize without capabilities': { initialize: { protocolVersion: '2025-11-25', clientInfo: { name: 'x', version: '0' } } },
    'no protocol version': { protocolVersion: undefined },
    'a protocol version that is no text': { protocolVersion: 1 },
    'no stream': { standaloneStream: undefined }
};

describeOnStores('R18: a record that can not be understood is an error of the store', start => {
    test.each(Object.entries(corrupt))('%s', async (_, content) => {
        const { urls, nodes, store } = await start();
        const [a, b, c] = urls;
        const good = await begin(a);
        const record = typeof content === 'string' ? content : await recordWith(store, good, content);
        await store.sessions.create('foreign', { record, state: {}, ttlMs });
        const requests = sessionRequests.filter(({ what }) => what !== 'DELETE');
        for (const { what, send } of requests) {
            const answer = await send(b, { session: 'foreign' });
            expect({ what, status: answer.status }).toEqual({ what, status: 503 });
            expect(answer.header('retry-after')).toMatch(/^\d+$/);
            expect(await answer.json()).toMatchObject({ jsonrpc: '2.0', id: null, error: { data: 'STORE_CORRUPT' } });
        }
        expect(nodes[1].errors).toHaveLength(requests.length);
        expect(nodes[1].errors[0]).toMatchObject({ name: 'TransportStoreError', code: 'STORE_CORRUPT' });
        expect(nodes[1].log.built).toEqual([]);
        expect(nodes[1].handler.liveSessions).toBe(0);
        expect(await callTool(b, good, 'whoami')).toMatchObject({ node: 'node-2' });
        // It can be got rid of.
        expect((await del(c, { session: 'foreign' })).status).toBe(200);
        expect((await call(b, 'foreign', 'whoami')).status).toBe(404);
    });
});

describeOnStores('R17: what a newer release has written is not misread', start => {
    test('a record: 503, and the node that can read it goes on', async () => {
        const { urls, nodes, store } = await start();
        const good = await begin(urls[0]);
        const record = await recordWith(store, good, { version: 2, initialize: 'of another shape' });
        await store.sessions.create('newer', { record, state: {}, ttlMs });
        for (const answer of [await call(urls[1], 'newer', 'whoami'), await get(urls[1], { session: 'newer' })]) {
            expect(answer.status).toBe(503);
            expect(answer.header('retry-after')).toMatch(/^\d+$/);
            expect(await answer.json()).toMatchObject({ error: { data: 'STORE_NEWER_VERSION' } });
        }
        expect(nodes[1].errors).toHaveLength(2);
        expect(nodes[1].errors[0]).toMatchObject({ code: 'STORE_NEWER_VERSION' });
        expect(await read(store, 'newer')).toMatchObject({ record, revision: 1 });
    });

    test('a field that was added to a record, and one that was added to its state, are ignored', async () => {
        const { urls, store } = await start();
        const [a, b, c] = urls;
        const session = await begin(a);
        const record = await recordWith(store, session, { added: { in: 'a later release' } });
        const { state } = await read(store, session);
        await store.sessions.create('later', { record, state: { ...state, added: 'x' }, ttlMs });
        for (const url of [a, b, c]) {
            expect(await callTool(url, 'later', 'whoami')).toMatchObject({ clientCapabilities: CLIENT_CAPABILITIES });
        }
        await (
            await post(b, { jsonrpc: '2.0', id: 1, method: 'logging/setLevel', params: { level: 'info' } }, { session: 'later' })
        ).ended();
        expect((await read(store, 'later')).state).toMatchObject({ added: 'x', logLevel: 'info' });
    });

    test('state that has no meaning here is as if it were not there', async () => {
        const { urls, nodes, store } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        expect(await callTool(b, session, 'whoami')).toMatchObject({ logLevel: null });
        await store.sessions.update(session, { logLevel: 'loud', initialized: 'perhaps', other: '' });
        expect(await callTool(b, session, 'whoami')).toMatchObject({ logLevel: null });
        expect(await callTool(urls[2], session, 'whoami')).toMatchObject({ logLevel: null, clientCapabilities: CLIENT_CAPABILITIES });
        expect(nodes.flatMap(node => node.errors)).toEqual([]);
    });

    test.each([
        { what: 'no JSON', message: 'hello', code: 'STORE_CORRUPT' },
        { what: 'no envelope', message: '{"version":1,"from":"x","id":1,"kind":"unheard-of"}', code: 'STORE_CORRUPT' },
        {
            what: 'no message of the protocol',
            message: '{"version":1,"from":"x","id":1,"kind":"message","session":"s","message":{}}',
            code: 'STORE_CORRUPT'
        },
        {
            what: 'an envelope of a newer release',
            message: '{"version":2,"from":"x","id":1,"kind":"deleted","session":"$"}',
            code: 'STORE_NEWER_VERSION'
        }
    ])('what lies in an inbox: $what', async ({ message, code }) => {
        const { urls, nodes, store } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const [node = ''] = await store.sessions.nodes(session);
        expect(await callTool(b, session, 'whoami')).toMatchObject({ node: 'node-2' });
        expect(await store.inboxes?.send(node, [message.replace('$', session)])).toBe(true);
        await expect.poll(() => nodes[0].errors).toMatchObject([{ code }]);
        // Later messages are delivered all the same.
        await post(b, { jsonrpc: '2.0', method: 'notifications/roots/list_changed' }, { session });
        await expect.poll(() => nodes[0].log.notifications).toEqual(['notifications/roots/list_changed']);
        expect(await callTool(a, session, 'whoami')).toMatchObject({ node: 'node-1' });
        expect(nodes[0].log.closed).toEqual([]);
    });
});

describeOnStores(
    'R18: a record that is damaged while the session is in use',
    start => {
        test('503 on the node that has to read it again, whose copy is kept for when it is mended', async () => {
            const { urls, nodes, stores } = await start();
            const [a, b] = urls;
            const session = await begin(a);
            expect(await callTool(a, session, 'whoami')).toMatchObject({ logLevel: null });
            await (await post(b, { jsonrpc: '2.0', id: 1, method: 'logging/setLevel', params: { level: 'info' } }, { session })).ended();
            const mend = stores[0].damageRecords();
            for (let i = 0; i < 2; i++) {
                const answer = await call(a, session, 'whoami');
                expect(answer.status).toBe(503);
                expect(await answer.json()).toMatchObject({ error: { data: 'STORE_CORRUPT' } });
            }
            expect(nodes[0].handler.liveSessions).toBe(1);
            mend();
            expect(await callTool(a, session, 'whoami')).toMatchObject({ node: 'node-1', logLevel: 'info' });
            expect(nodes[0].log.built).toHaveLength(1);
        });
    },
    memoryOnly
);

import { createRequire } from 'node:module';
import { TransportStoreError } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { describe, expect, test } from 'vitest';
import { startRedisServer } from '../../packages/transport-store-redis/test/support/redisServer.ts';
import { faces, TestCluster, type TestNode } from './support/cluster.ts';
import { begin, call, callTool, del, get, initializeMessage, isFinal, post, toolResult, type WireAnswer } from './support/mcpRequests.ts';
import { requestsThatNameASession, type SessionRequest } from './support/sessionRequests.ts';
import { redisAt, stores } from './support/stores.ts';
import { describeOnStores, memoryOnly } from './support/watchedNodes.ts';
import { Gate, hang, rejectWith, throwAtOnce, type Intervention, type WatchedStore } from './support/watchedStore.ts';

/** What a store that was loaded by `require` throws. */
function commonJsError(): Error {
    const module: unknown = createRequire(import.meta.url)('@modelcontextprotocol/sdk/server/transportStore.js');
    if (typeof module === 'object' && module !== null && 'TransportStoreError' in module && isOtherCopy(module.TransportStoreError)) {
        return new module.TransportStoreError('STORE_FULL', 'full');
    }
    throw new Error('The CommonJS module has no class of its own');
}

function isOtherCopy(value: unknown): value is typeof TransportStoreError {
    return typeof value === 'function' && value.name === 'TransportStoreError' && value !== TransportStoreError;
}

const initialize: SessionRequest = { what: 'initialize', send: url => post(url, initializeMessage()) };
const allRequests = [...requestsThatNameASession, initialize];
/** For stores that carry out what they are asked, but answer too late. */
const allButDelete = allRequests.filter(({ what }) => what !== 'DELETE');

/** Sends one request of every kind, all at once. */
function sendAll(url: string, session: string, requests = allRequests): Promise<{ what: string; answer: WireAnswer }[]> {
    return Promise.all(requests.map(async ({ what, send }) => ({ what, answer: await send(url, { session }) })));
}

async function expectUnavailable(
    answers: readonly { what: string; answer: WireAnswer }[],
    data: string = 'STORE_UNAVAILABLE'
): Promise<void> {
    for (const { what, answer } of answers) {
        expect({ what, status: answer.status }).toEqual({ what, status: 503 });
        expect(answer.header('retry-after')).toMatch(/^[1-9]\d*$/);
        expect(answer.header('mcp-session-id')).toBeUndefined();
        const { jsonrpc, id, error } = await answer.json();
        expect({ what, jsonrpc, id, data: error?.data }).toEqual({ what, jsonrpc: '2.0', id: null, data });
        expect(error?.code).toBeTypeOf('number');
        expect(error?.message).toContain('Service Unavailable');
    }
}

const faults: { what: string; intervention: Intervention; data?: string; isLost?: boolean }[] = [
    { what: 'rejects', intervention: rejectWith(new Error('down')) },
    {
        what: 'rejects with an error of its own',
        intervention: rejectWith(new TransportStoreError('STORE_FULL', 'full')),
        data: 'STORE_FULL'
    },
    {
        what: 'rejects with a CommonJS error of its own',
        intervention: rejectWith(commonJsError()),
        data: 'STORE_FULL'
    },
    {
        what: 'rejects with an error of an unknown code',
        intervention: rejectWith(Object.assign(new Error('down'), { name: 'TransportStoreError', code: 'toString' }))
    },
    { what: 'throws', intervention: throwAtOnce(new Error('down')) },
    { what: 'rejects with undefined', intervention: rejectWith(undefined) },
    { what: 'rejects with null', intervention: rejectWith(null) },
    { what: 'rejects with a text', intervention: rejectWith('down') },
    { what: 'rejects with a symbol', intervention: rejectWith(Symbol('down')) },
    { what: 'rejects with an object that has no text', intervention: rejectWith(Object.create(null)) },
    { what: 'throws what throws when it is looked at', intervention: throwAtOnce(prickly()) },
    { what: 'hangs', intervention: hang, data: 'STORE_TIMEOUT' },
    { what: 'answers too late', intervention: new Gate().after, data: 'STORE_TIMEOUT', isLost: false }
];

function prickly(): object {
    return new Proxy(
        {},
        {
            get() {
                throw new Error('Do not look at me');
            },
            getPrototypeOf() {
                throw new Error('Do not look at me');
            }
        }
    );
}

function raise(reason: unknown): never {
    throw reason;
}

const everyCall = (): boolean => true;

describeOnStores(
    'R3: a store that does not answer makes every request 503, and nothing is lost',
    start => {
        describe.each(faults)('the store $what', ({ intervention, data, isLost = true }) => {
            test.each(faces)('[%s]', async face => {
                const { urls, nodes, stores } = await start({ face, storeTimeoutMs: 100 });
                const [warm, , cold] = urls;
                const session = await begin(warm);
                expect(await callTool(warm, session, 'whoami')).toMatchObject({ node: 'node-1' });

                stores.forEach(store => store.intervene(everyCall, intervention));
                for (const url of [warm, cold]) {
                    await expectUnavailable(await sendAll(url, session, isLost ? allRequests : allButDelete), data);
                    // Nobody knows whether it exists.
                    await expectUnavailable(await sendAll(url, 'unknown'), data);
                }
                for (const node of [nodes[0], nodes[2]]) {
                    expect(node.errors.length).toBeGreaterThan(0);
                    expect(node.errors.every(error => error instanceof TransportStoreError)).toBe(true);
                }

                stores.forEach(store => store.letPass());
                expect(await callTool(warm, session, 'whoami')).toMatchObject({ node: 'node-1', clientInfo: { name: 'test-client' } });
                expect(await callTool(cold, session, 'whoami')).toMatchObject({ node: 'node-3', clientInfo: { name: 'test-client' } });
                expect(nodes[0].log.built.filter(({ sessionId }) => sessionId === session)).toHaveLength(1);
                expect(nodes[0].handler.liveSessions).toBe(1);
                expect(await begin(cold)).toBeTypeOf('string');
            });
        });

        test('calls and streams that are under way live through it', async () => {
            const {
                cluster,
                urls: [a],
                nodes: [node],
                stores: [store]
            } = await start({ storeTimeoutMs: 100, sessionTtlMs: 3_000 });
            const session = await begin(a);
            const stream = await get(a, { session, version: '2025-11-25' });
            const held = await call(a, session, 'hold', { gate: 'outage' });
            await cluster.gates.arrival('outage');
            store.intervene(everyCall, rejectWith(new Error('down')));
            // This is how the node would notice that the session is gone; but it is not told so.
            await store.next('sessions.touch');
            await expectUnavailable(await sendAll(a, session));
            store.letPass();
            cluster.gates.open('outage');
            expect(toolResult(await held.message(isFinal))).toBe('held on node-1');
            await callTool(a, session, 'announce', { text: 'still here' });
            expect((await stream.message(({ method }) => method === 'notifications/message')).params).toMatchObject({
                data: { text: 'still here' }
            });
            stream.disconnect();
            expect(node.log.built.filter(({ sessionId }) => sessionId === session)).toHaveLength(1);
        });

        test('no copy is dropped for a request that the store does not let in', async () => {
            const {
                urls: [a, b],
                nodes: [node],
                stores: [store]
            } = await start({ maxLiveSessions: 2 });
            const here = [await begin(a), await begin(a)];
            const elsewhere = await begin(b);
            store.intervene(everyCall, rejectWith(new Error('down')));
            await expectUnavailable(await sendAll(a, elsewhere));
            store.letPass();
            // Whoever asks for what is not there pushes nobody out either.
            expect((await call(a, 'unknown', 'whoami')).status).toBe(404);
            expect(node.handler.liveSessions).toBe(2);
            for (const session of here) {
                expect(await callTool(a, session, 'whoami')).toMatchObject({ node: 'node-1' });
            }
            expect(node.log.built.filter(({ sessionId }) => here.includes(sessionId))).toHaveLength(2);
        });

        test('a request that has waited for a call that failed does not wait for another one', async () => {
            const {
                urls: [a],
                nodes: [node],
                stores: [store]
            } = await start({ liveSessionIdleMs: 1 });
            const session = await begin(a);
            const gate = new Gate();
            const isLeaving = store.next('sessions.leave');
            store.intervene('sessions.leave', async () => {
                await gate.opened;
                throw new Error('down');
            });
            await isLeaving;
            expect(node.handler.liveSessions).toBe(0);
            store.takeRequestCalls();
            const arrived = node.nextRequest();
            const requests = sendAll(a, session, [{ what: 'request', send: (url, options) => call(url, options.session ?? '', 'whoami') }]);
            await arrived;
            // Until the request has surely come as far as it can.
            expect((await call(a, 'unknown', 'whoami')).status).toBe(404);
            gate.open();
            await expectUnavailable(await requests);
            // The other one was for the session that is unknown.
            expect(store.calls.filter(({ operation }) => operation === 'sessions.open')).toHaveLength(1);
            expect(await callTool(a, session, 'whoami')).toMatchObject({ node: 'node-1' });
        });

        test('neither does one of another caller', async () => {
            const {
                urls: [, b],
                urls: [a],
                stores: [, store]
            } = await start();
            const session = await begin(a, { user: 'ada' });
            const gate = new Gate();
            const isAsked = store.next('sessions.open');
            store.intervene('sessions.open', async () => {
                await gate.opened;
                throw new Error('down');
            });
            const first = call(b, session, 'whoami', {}, { user: 'ada' });
            await isAsked;
            store.takeRequestCalls();
            const others = ['bob', 'eve'].map(user => call(b, session, 'whoami', {}, { user }));
            expect((await call(b, '', 'whoami')).status).toBe(400);
            gate.open();
            const answers = await Promise.all([first, ...others]);
            await expectUnavailable(answers.map(answer => ({ what: 'request', answer })));
            expect(store.takeRequestCalls()).toEqual([]);
        });
    },
    memoryOnly
);

describeOnStores('R3: what a store does after it was given up does no harm', (start, kind) => {
    /** Holds the answers of an operation back until the handler has given up on them. */
    async function tooLate(
        store: WatchedStore,
        operation: Parameters<WatchedStore['intervene']>[0],
        send: () => Promise<WireAnswer>
    ): Promise<void> {
        const gate = new Gate();
        const takeBack = store.intervene(operation, gate.after);
        await expectUnavailable([{ what: String(operation), answer: await send() }], 'STORE_TIMEOUT');
        takeBack();
        gate.open();
    }

    test('session records', async () => {
        const { urls, nodes, stores, store } = await start({ storeTimeoutMs: kind.name === 'memory' ? 100 : 400 });
        const [a, b] = urls;
        const [storeOfA, storeOfB] = stores;

        await tooLate(storeOfA, 'sessions.create', () => post(a, initializeMessage()));
        expect(nodes[0].handler.liveSessions).toBe(0);
        expect(nodes[0].log.closed).toHaveLength(1);

        const session = await begin(a);
        await tooLate(storeOfA, 'sessions.touch', () => call(a, session, 'whoami'));
        await tooLate(storeOfB, 'sessions.open', () => call(b, session, 'whoami'));
        await tooLate(storeOfB, 'sessions.update', () => post(b, { jsonrpc: '2.0', method: 'notifications/initialized' }, { session }));
        for (const url of [a, b]) {
            expect(await callTool(url, session, 'whoami')).toMatchObject({ clientInfo: { name: 'test-client' } });
        }
        expect(nodes[0].log.built.filter(({ sessionId }) => sessionId === session)).toHaveLength(1);

        await tooLate(storeOfB, 'sessions.delete', () => del(b, { session }));
        for (const url of urls) {
            expect((await call(url, session, 'whoami')).status).toBe(404);
        }
        expect(await store.sessions.nodes(session)).toEqual([]);
    });

    test('event logs', async () => {
        const {
            urls: [a],
            nodes: [node],
            stores: [store]
        } = await start({ storeTimeoutMs: kind.name === 'memory' ? 100 : 400 });
        const session = await begin(a);
        await tooLate(store, 'streams.append', () => call(a, session, 'whoami'));
        expect(await callTool(a, session, 'whoami')).toMatchObject({ node: 'node-1' });
        expect(node.log.built).toHaveLength(1);
    });
});

describe('R3: the limits that hold without any options', () => {
    const deadlineMs = 5_000;

    test('a Redis that is frozen: 503 within 5 seconds, and all is well when it thaws', async () => {
        const server = await startRedisServer();
        const shared = redisAt(server.url);
        const cluster = await TestCluster.start(2, { storeOf: () => shared.handle() });
        try {
            const [warm, cold] = [cluster.node(0), cluster.node(1)];
            const session = await begin(warm.url);
            await callTool(warm.url, session, 'whoami');
            await server.pause();
            await Promise.all(
                [warm, cold].map(async ({ url }) => {
                    await expectUnavailable(await inTime(sendAll(url, session, allButDelete)), 'STORE_TIMEOUT');
                })
            );
            expect(await inTime(isReady(warm, cold))).toEqual([false, false]);
            await server.resume();
            await expect.poll(() => isReady(warm, cold), { timeout: 10_000 }).toEqual([true, true]);
            expect(await callTool(warm.url, session, 'whoami')).toMatchObject({ node: 'node-1' });
            expect(await callTool(cold.url, session, 'whoami')).toMatchObject({ node: 'node-2' });
            expect(warm.log.built.filter(({ sessionId }) => sessionId === session)).toHaveLength(1);
        } finally {
            await server.resume();
            await cluster.close();
            await shared.close();
            await server.dispose();
        }
    });

    test('a Redis that is gone: 503 within 5 seconds, and all is well when it is back', async () => {
        const server = await startRedisServer();
        const shared = redisAt(server.url);
        const cluster = await TestCluster.start(2, { storeOf: () => shared.handle() });
        try {
            const [warm, cold] = [cluster.node(0), cluster.node(1)];
            const session = await begin(warm.url);
            await callTool(warm.url, session, 'whoami');
            await server.stop();
            await Promise.all(
                [warm, cold].map(async ({ url }) => {
                    const answers = await inTime(sendAll(url, session));
                    for (const { what, answer } of answers) {
                        expect({ what, status: answer.status }).toEqual({ what, status: 503 });
                    }
                })
            );
            await server.start();
            await expect.poll(() => isReady(warm, cold), { timeout: 10_000 }).toEqual([true, true]);
            expect(await callTool(warm.url, session, 'whoami')).toMatchObject({ node: 'node-1' });
            expect(await callTool(cold.url, session, 'whoami')).toMatchObject({ node: 'node-2' });
            expect(warm.log.built.filter(({ sessionId }) => sessionId === session)).toHaveLength(1);
        } finally {
            await cluster.close();
            await shared.close();
            await server.dispose();
        }
    });

    function inTime<T>(promise: Promise<T>): Promise<T> {
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => reject(new Error(`There was no answer within ${deadlineMs} ms`)), deadlineMs);
            promise.then(resolve, reject).finally(() => clearTimeout(timer));
        });
    }

    function isReady(...nodes: TestNode[]): Promise<boolean[]> {
        return Promise.all(nodes.map(node => node.handler.isReady()));
    }
});

describeOnStores(
    'R3: callbacks of the application can not keep a request from being answered',
    start => {
        test.each(['onerror', 'onevent'] as const)('%s throws', async callback => {
            const {
                urls: [a],
                stores: [store]
            } = await start({
                [callback]: () => {
                    throw new Error('The application is at fault');
                }
            });
            const session = await begin(a);
            expect(await callTool(a, session, 'whoami')).toMatchObject({ node: 'node-1' });
            store.intervene(everyCall, rejectWith(new Error('down')));
            await expectUnavailable(await sendAll(a, session));
        });

        test.each(faces)('principal throws something odd [%s]', async face => {
            const {
                urls: [a],
                nodes: [node]
            } = await start({
                face,
                principal: () => raise(prickly())
            });
            for (const { what, answer } of await sendAll(a, 'any')) {
                expect({ what, status: answer.status }).toEqual({ what, status: 500 });
                expect(await answer.json()).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32603 } });
            }
            expect(node.errors).toHaveLength(allRequests.length);
        });
    },
    memoryOnly
);

test('every store is among those that are tested', () => {
    expect(stores.map(({ name }) => name)).toEqual(['memory', 'SQLite', 'Redis']);
});

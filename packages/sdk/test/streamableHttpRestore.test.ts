/** A session goes on in another process, from nothing but what the callbacks of its first transport reported. */
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import {
    SessionRestoreError,
    type EventStore,
    type RestoredSession,
    type SessionSnapshot
} from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { InitializeRequestSchema, SetLevelRequestSchema, isJSONRPCRequest, type JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test, vi } from 'vitest';
import {
    clientInfo,
    eventsOf,
    faces,
    get,
    initialize,
    initializeMessage,
    messagesOf,
    post,
    toolCall,
    toolResultOf
} from './support/streamableHttpFaces.js';

const capabilities = { sampling: {}, roots: { listChanged: true } };

const stored: RestoredSession = {
    sessionId: 'stored-session',
    initialize: { protocolVersion: '2025-06-18', capabilities, clientInfo },
    logLevel: 'warning'
};

/** A server that tells what it knows of its client. */
function buildServer() {
    const server = new McpServer({ name: 'server', version: '0' }, { capabilities: { logging: {} } });
    server.registerTool('client', {}, ({ sessionId }) => ({
        content: [
            {
                type: 'text',
                text: JSON.stringify({
                    sessionId,
                    info: server.server.getClientVersion(),
                    capabilities: server.server.getClientCapabilities()
                })
            }
        ]
    }));
    server.registerTool('sample', {}, async () => {
        const { content } = await server.server.createMessage({
            messages: [{ role: 'user', content: { type: 'text', text: 'question' } }],
            maxTokens: 10
        });
        return { content: Array.isArray(content) ? [] : [{ type: 'text', text: content.type === 'text' ? content.text : '' }] };
    });
    server.registerTool('log', {}, async ({ sessionId }) => {
        await server.sendLoggingMessage({ level: 'info', data: 'too quiet' }, sessionId);
        await server.sendLoggingMessage({ level: 'error', data: 'loud enough' }, sessionId);
        return { content: [] };
    });
    return server;
}

/** Time enough for whatever is not held back by something else. */
async function manyTurns(): Promise<void> {
    for (let turn = 0; turn < 100; turn++) {
        await new Promise(resolve => setImmediate(resolve));
    }
}

/** The stored session, with something in it that should not have been stored. */
function damaged(damage: Record<string, unknown>): RestoredSession {
    return Object.assign({}, stored, damage);
}

/** An event store that must not be used. */
function forbiddenEventStore() {
    return {
        storeEvent: vi.fn<EventStore['storeEvent']>(() => Promise.reject(new Error('Nothing may be stored'))),
        replayEventsAfter: vi.fn<EventStore['replayEventsAfter']>(() => Promise.reject(new Error('Nothing may be replayed')))
    };
}

describe.each(faces)('restoredSession of $name', face => {
    test('lets a request in that was never preceded by an initialize, with all that the server knew of its client', async () => {
        await using endpoint = await face.open({ restoredSession: stored, enableJsonResponse: true });
        await buildServer().connect(endpoint.transport);

        expect(endpoint.transport.sessionId).toBe(stored.sessionId);
        const response = await endpoint.request(post(toolCall(1, 'client'), stored.sessionId));
        expect(response.status).toBe(200);
        expect(response.headers.get('mcp-session-id')).toBe(stored.sessionId);
        const [answer] = await messagesOf(response);
        expect(toolResultOf(answer)).toEqual({ sessionId: stored.sessionId, info: clientInfo, capabilities });
    });

    test('works from what the callbacks of another transport reported, stored as JSON', async () => {
        const database = new Map<string, SessionSnapshot>();
        const save = (sessionId: string, session: SessionSnapshot) => {
            expect(JSON.parse(JSON.stringify(session))).toEqual(session);
            database.set(sessionId, structuredClone(session));
        };
        let sessionId: string;
        {
            await using first = await face.open({
                sessionIdGenerator: () => 'a-session',
                onsessioninitialized: save,
                onsessionchanged: save
            });
            await buildServer().connect(first.transport);
            sessionId = await initialize(first, capabilities);
            const setLevel = { jsonrpc: '2.0', id: 1, method: 'logging/setLevel', params: { level: 'error' } };
            await messagesOf(await first.request(post(setLevel, sessionId)));
        }
        const restoredSession = database.get(sessionId);
        expect(restoredSession).toEqual({
            sessionId: 'a-session',
            initialize: { protocolVersion: '2025-06-18', capabilities, clientInfo },
            initialized: true,
            logLevel: 'error'
        });

        await using second = await face.open({ restoredSession });
        await buildServer().connect(second.transport);
        const [answer] = await messagesOf(await second.request(post(toolCall(1, 'client'), sessionId)));
        expect(toolResultOf(answer)).toEqual({ sessionId, info: clientInfo, capabilities });
    });

    test('brings the log level back', async () => {
        await using endpoint = await face.open({ restoredSession: stored });
        await buildServer().connect(endpoint.transport);
        const events = eventsOf(await endpoint.request(get(stored.sessionId)));
        await messagesOf(await endpoint.request(post(toolCall(1, 'log'), stored.sessionId)));

        const first = await events.next();
        expect(first.value?.message).toMatchObject({ method: 'notifications/message', params: { data: 'loud enough' } });
    });

    test('lets the server ask the client', async () => {
        await using endpoint = await face.open({ restoredSession: stored });
        await buildServer().connect(endpoint.transport);
        const listening = eventsOf(await endpoint.request(get(stored.sessionId)));
        const call = endpoint.request(post(toolCall(1, 'sample'), stored.sessionId));

        const { value: question } = await listening.next();
        expect(question?.message).toMatchObject({ method: 'sampling/createMessage' });
        const id = isJSONRPCRequest(question?.message) ? question.message.id : undefined;
        const result = { model: 'm', role: 'assistant', content: { type: 'text', text: '"reply"' } };
        expect((await endpoint.request(post({ jsonrpc: '2.0', id, result }, stored.sessionId))).status).toBe(202);
        const [answer] = await messagesOf(await call);
        expect(toolResultOf(answer)).toBe('reply');
    });

    test('begins no session and stores no event', async () => {
        const eventStore = forbiddenEventStore();
        const onsessioninitialized = vi.fn();
        const onsessionchanged = vi.fn();
        await using endpoint = await face.open({ restoredSession: stored, eventStore, onsessioninitialized, onsessionchanged });
        const server = buildServer();
        const oninitialized = vi.fn();
        server.server.oninitialized = oninitialized;
        await server.connect(endpoint.transport);

        expect(oninitialized).toHaveBeenCalledOnce();
        expect(onsessioninitialized).not.toHaveBeenCalled();
        expect(onsessionchanged).not.toHaveBeenCalled();
        expect(eventStore.storeEvent).not.toHaveBeenCalled();
    });

    test('does not confirm what the client has not confirmed', async () => {
        const onsessionchanged = vi.fn();
        await using endpoint = await face.open({ restoredSession: { ...stored, initialized: false }, onsessionchanged });
        const server = buildServer();
        const confirmed = new Promise<void>(resolve => {
            server.server.oninitialized = resolve;
        });
        const isConfirmed = vi.fn();
        void confirmed.then(isConfirmed);
        await server.connect(endpoint.transport);
        expect(isConfirmed).not.toHaveBeenCalled();

        await endpoint.request(post({ jsonrpc: '2.0', method: 'notifications/initialized' }, stored.sessionId));
        await confirmed;
        expect(onsessionchanged.mock.calls).toEqual([[stored.sessionId, { ...stored, initialized: true }]]);
    });

    test('keeps requests waiting until the server knows its client', async () => {
        await using endpoint = await face.open({ restoredSession: stored, enableJsonResponse: true });
        const early = endpoint.request(post(toolCall(1, 'client'), stored.sessionId));
        const server = buildServer();
        let release: (() => void) | undefined;
        const held = new Promise<void>(resolve => {
            release = resolve;
        });
        const seen: string[] = [];
        server.server.setRequestHandler(InitializeRequestSchema, async () => {
            await held;
            seen.push('initialize');
            return { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 'server', version: '0' } };
        });
        server.registerTool('when', {}, () => {
            seen.push('call');
            return { content: [] };
        });
        const connected = server.connect(endpoint.transport).then(() => seen.push('connected'));
        const late = endpoint.request(post(toolCall(2, 'when'), stored.sessionId));
        await manyTurns();
        release?.();
        await connected;
        expect((await early).status).toBe(200);
        expect((await late).status).toBe(200);
        expect(seen).toEqual(['initialize', 'connected', 'call']);
    });

    test('refuses other sessions, a second initialize and requests without a session', async () => {
        await using endpoint = await face.open({ restoredSession: stored });
        await buildServer().connect(endpoint.transport);

        const statuses = [];
        for (const request of [
            post(toolCall(1, 'client'), 'another-session'),
            post(toolCall(1, 'client')),
            post(initializeMessage()),
            get('another-session')
        ]) {
            const response = await endpoint.request(request);
            await response.text();
            statuses.push(response.status);
        }
        expect(statuses).toEqual([404, 400, 400, 404]);
    });

    test('ends like any other session', async () => {
        const onsessionclosed = vi.fn();
        await using endpoint = await face.open({ restoredSession: stored, onsessionclosed });
        await buildServer().connect(endpoint.transport);
        const request = { method: 'DELETE', headers: { 'mcp-session-id': stored.sessionId } };

        expect((await endpoint.request(request)).status).toBe(200);
        expect(onsessionclosed.mock.calls).toEqual([[stored.sessionId]]);
        expect((await endpoint.request(get(stored.sessionId))).status).toBe(404);
    });

    test('a server that refuses the stored initialize fails to connect, and answers nothing', async () => {
        await using endpoint = await face.open({ restoredSession: stored });
        const waiting = endpoint.request(post(toolCall(1, 'client'), stored.sessionId)).then(
            response => response.status,
            (error: unknown) => error
        );
        const server = buildServer();
        server.server.setRequestHandler(InitializeRequestSchema, () => {
            throw new Error('not you again');
        });
        const failure: unknown = await server.connect(endpoint.transport).catch((error: unknown) => error);

        expect(failure).toBeInstanceOf(SessionRestoreError);
        expect(failure).toMatchObject({ code: 'INITIALIZE_REFUSED', cause: { message: 'not you again' } });
        expect([500, failure]).toContain(await waiting);
    });

    test('a server without logging does without the log level', async () => {
        await using endpoint = await face.open({ restoredSession: stored, enableJsonResponse: true });
        const server = new McpServer({ name: 'quiet', version: '0' }, { capabilities: { tools: {} } });
        await server.connect(endpoint.transport);
        expect((await endpoint.request(post({ jsonrpc: '2.0', id: 1, method: 'ping' }, stored.sessionId))).status).toBe(200);
    });

    test('a transport that is closed meanwhile gives up', async () => {
        await using endpoint = await face.open({ restoredSession: stored });
        const server = buildServer();
        server.server.setRequestHandler(InitializeRequestSchema, () => new Promise(() => undefined));
        const connected = server.connect(endpoint.transport);
        const waiting = endpoint.request(post(toolCall(1, 'client'), stored.sessionId));
        await endpoint.transport.close();
        await expect(connected).rejects.toMatchObject({ code: 'CLOSED' });
        expect((await waiting).status).toBe(404);
    });

    test.each([
        ['an empty id', { ...stored, sessionId: '' }, 'INVALID_SESSION_ID'],
        ['an id with a space', { ...stored, sessionId: 'a b' }, 'INVALID_SESSION_ID'],
        ['an id beyond ASCII', { ...stored, sessionId: 'sitzung-ä' }, 'INVALID_SESSION_ID'],
        ['an id of 257 characters', { ...stored, sessionId: 'x'.repeat(257) }, 'INVALID_SESSION_ID'],
        [
            'an initialize without capabilities',
            damaged({ initialize: { protocolVersion: '2025-06-18', clientInfo } }),
            'INVALID_INITIALIZE'
        ],
        ['no initialize', damaged({ initialize: undefined }), 'INVALID_INITIALIZE'],
        ['an unknown log level', damaged({ logLevel: 'loud' }), 'INVALID_LOG_LEVEL']
    ])('a session with %s is refused at construction', async (_what, restoredSession, code) => {
        const failure: unknown = await face.open({ restoredSession }).catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(SessionRestoreError);
        expect(failure).toMatchObject({ code });
    });

    test('an id of 256 visible ASCII characters is good', async () => {
        const sessionId = '!~'.repeat(128);
        await using endpoint = await face.open({ restoredSession: { ...stored, sessionId } });
        expect(endpoint.transport.sessionId).toBe(sessionId);
    });
});

describe.each(faces)('onsessionchanged of $name', face => {
    const setLevel = (id: number, level: string) => ({ jsonrpc: '2.0', id, method: 'logging/setLevel', params: { level } });

    test('is told of a log level before the client gets its answer', async () => {
        const seen: string[] = [];
        let finishStoring: (() => void) | undefined;
        await using endpoint = await face.open({
            sessionIdGenerator: () => 'a-session',
            enableJsonResponse: true,
            onsessionchanged: async (_sessionId, { logLevel }) => {
                if (logLevel !== undefined) {
                    seen.push(`storing ${logLevel}`);
                    await new Promise<void>(resolve => {
                        finishStoring = resolve;
                    });
                    seen.push('stored');
                }
            }
        });
        await buildServer().connect(endpoint.transport);
        const sessionId = await initialize(endpoint);
        const answered = endpoint.request(post(setLevel(2, 'notice'), sessionId)).then(() => seen.push('answered'));
        await vi.waitFor(() => expect(finishStoring).toBeDefined());
        finishStoring?.();
        await answered;
        expect(seen).toEqual(['storing notice', 'stored', 'answered']);
    });

    test('is not told of a log level that the server refuses', async () => {
        const levels: unknown[] = [];
        await using endpoint = await face.open({
            sessionIdGenerator: () => 'a-session',
            enableJsonResponse: true,
            onsessionchanged: (_sessionId, { logLevel }) => {
                levels.push(logLevel);
            }
        });
        const server = buildServer();
        server.server.setRequestHandler(SetLevelRequestSchema, () => {
            throw new Error('not in the mood');
        });
        await server.connect(endpoint.transport);
        const sessionId = await initialize(endpoint);
        for (const level of ['notice', 'deafening']) {
            const [answer] = await messagesOf(await endpoint.request(post(setLevel(1, level), sessionId)));
            expect(answer).toHaveProperty('error');
        }
        expect(levels).toEqual([undefined]);
    });

    test('may fail without hurting the request', async () => {
        const errors: Error[] = [];
        const cause = new Error('database down');
        await using endpoint = await face.open({
            sessionIdGenerator: () => 'a-session',
            enableJsonResponse: true,
            onsessionchanged: () => Promise.reject(cause)
        });
        await buildServer().connect(endpoint.transport);
        endpoint.transport.onerror = error => errors.push(error);
        const sessionId = await initialize(endpoint);
        const response = await endpoint.request(post(setLevel(1, 'notice'), sessionId));

        expect(await messagesOf(response)).toEqual([{ jsonrpc: '2.0', id: 1, result: {} }]);
        expect(errors.map(error => error.cause)).toEqual([cause, cause]);
    });
});

describe.each(faces)('callbacks of $name', face => {
    test('run in the order of the session’s life', async () => {
        const seen: string[] = [];
        const later = async (what: string) => {
            await manyTurns();
            seen.push(what);
        };
        await using endpoint = await face.open({
            sessionIdGenerator: () => 'a-session',
            onsessioninitialized: (sessionId, { initialized }) => later(`onsessioninitialized ${sessionId} ${initialized}`),
            onsessionchanged: (_sessionId, { initialized }) => later(`onsessionchanged ${initialized}`),
            onsessionclosed: sessionId => later(`onsessionclosed ${sessionId}`)
        });
        const { transport } = endpoint;
        transport.onmessage = message => {
            seen.push('method' in message ? message.method : 'response');
            if ('method' in message && 'id' in message) {
                const response: JSONRPCMessage = { jsonrpc: '2.0', id: message.id, result: {} };
                void transport.send(response).then(() => seen.push('sent'));
            }
        };
        transport.onclose = () => seen.push('onclose');
        await transport.start();
        await initialize(endpoint);
        await endpoint.request({ method: 'DELETE', headers: { 'mcp-session-id': 'a-session' } });

        expect(seen).toEqual([
            'onsessioninitialized a-session false',
            'initialize',
            'sent',
            'onsessionchanged true',
            'notifications/initialized',
            'onsessionclosed a-session',
            'onclose'
        ]);
    });

    test('that take one argument are good as they are', async () => {
        const sessions: string[] = [];
        await using endpoint = await face.open({
            sessionIdGenerator: () => 'a-session',
            onsessioninitialized: (sessionId: string) => {
                sessions.push(sessionId);
            }
        });
        await buildServer().connect(endpoint.transport);
        await initialize(endpoint);
        expect(sessions).toEqual(['a-session']);
    });
});

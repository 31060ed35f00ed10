const initialize = {
    protocolVersion: '2025-11-25',
    capabilities: { sampling: {} },
    clientInfo: { name: 'a client', version: '1.2.3' }
};

function post(message: object, sessionId?: string): Request {
    return new Request('http://localhost/mcp', {
        method: 'POST',
        headers: {
            'content-type': 'application/json',
            accept: 'application/json, text/event-stream',
            'mcp-protocol-version': '2025-11-25',
            ...(sessionId === undefined ? {} : { 'mcp-session-id': sessionId })
        },
        body: JSON.stringify(message)
    });
}

function makeServer(): Server {
    const server = new Server({ name: 'test', version: '1.0.0' }, { capabilities: { tools: {}, logging: {} } });
    onToolCall(server, () => ({ content: [] }));
    return server;
}

const call = { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'x' } };

describe('a transport that is built for a session that exists', () => {
    it('goes on where the transport before it was, which has told what to store', async () => {
        const stored = new Map<string, string>();
        const first = new WebStandardStreamableHTTPServerTransport({
            sessionIdGenerator: () => 'a-session',
            enableJsonResponse: true,
            onsessionchanged: (sessionId, session) => {
                stored.set(sessionId, JSON.stringify(session));
            }
        });
        await makeServer().connect(first);
        const begun = await first.handleRequest(post({ jsonrpc: '2.0', id: 0, method: 'initialize', params: initialize }));
        expect(begun.headers.get('mcp-session-id')).toBe('a-session');

        const restoredSession = JSON.parse(stored.get('a-session') ?? '{}');
        const second = new WebStandardStreamableHTTPServerTransport({ restoredSession, enableJsonResponse: true });
        const server = makeServer();
        await server.connect(second);
        const answer = await second.handleRequest(post(call, 'a-session'));

        expect([answer.status, answer.headers.get('mcp-session-id')]).toEqual([200, 'a-session']);
        expect(await answer.json()).toMatchObject({ id: 7, result: { content: [] } });
        expect(server.getClientCapabilities()).toEqual(initialize.capabilities);
        expect(server.getClientVersion()).toEqual(initialize.clientInfo);
    });

    it('tells nobody but the server, whose oninitialized fires', async () => {
        const onsessioninitialized = vi.fn();
        const onsessionchanged = vi.fn();
        const storeEvent = vi.fn();
        const transport = new WebStandardStreamableHTTPServerTransport({
            restoredSession: { sessionId: 'a-session', initialize, logLevel: 'warning' },
            onsessioninitialized,
            onsessionchanged,
            eventStore: { storeEvent, replayEventsAfter: vi.fn() }
        });
        const server = makeServer();
        const oninitialized = vi.fn();
        server.oninitialized = oninitialized;
        await server.connect(transport);
        const calls = [onsessioninitialized, onsessionchanged, storeEvent, oninitialized].map(({ mock }) => mock.calls.length);
        expect(calls).toEqual([0, 0, 0, 1]);
    });

    it('lets requests wait until the server knows its client', async () => {
        const transport = new WebStandardStreamableHTTPServerTransport({
            restoredSession: { sessionId: 'a-session', initialize },
            enableJsonResponse: true
        });
        const early = transport.handleRequest(post(call, 'a-session'));
        await makeServer().connect(transport);
        expect((await early).status).toBe(200);
    });

    it('serves that session only, and no second initialize', async () => {
        const transport = new WebStandardStreamableHTTPServerTransport({ restoredSession: { sessionId: 'a-session', initialize } });
        await makeServer().connect(transport);
        expect((await transport.handleRequest(post(call, 'another'))).status).toBe(404);
        expect((await transport.handleRequest(post(call))).status).toBe(400);
        const again = post({ jsonrpc: '2.0', id: 0, method: 'initialize', params: initialize }, 'a-session');
        expect((await transport.handleRequest(again)).status).toBe(400);
    });

    it('is not built from what is no session', () => {
        const build = (restoredSession: { sessionId: string; initialize: typeof initialize }) => () =>
            new WebStandardStreamableHTTPServerTransport({ restoredSession });
        expect(build({ sessionId: 'not visible: \n', initialize })).toThrow(expect.objectContaining({ code: 'INVALID_SESSION_ID' }));
        expect(build({ sessionId: 'a-session', initialize: JSON.parse('{}') })).toThrow(
            expect.objectContaining({ code: 'INVALID_INITIALIZE' })
        );
    });
});

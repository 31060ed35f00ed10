interface Tool {
    readonly signal: AbortSignal;
    readonly requestId: RequestId;
    readonly notify: (notification: Notification) => Promise<void>;
}

function text(content: string): CallToolResult {
    return { content: [{ type: 'text', text: content }] };
}

const protocolVersion = '2025-11-25';
const capabilities = { elicitation: { form: {} } };

function headersOf(sessionId: string | undefined, more: Record<string, string> = {}): Record<string, string> {
    return {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': protocolVersion,
        ...(sessionId === undefined ? {} : { 'mcp-session-id': sessionId }),
        ...more
    };
}

function send(node: SessionHandler, message: object, sessionId?: string): Promise<Response> {
    return node.fetch(
        new Request('http://localhost/mcp', {
            method: 'POST',
            headers: headersOf(sessionId),
            body: JSON.stringify({ jsonrpc: '2.0', ...message })
        })
    );
}

function get(node: SessionHandler, sessionId: string, lastEventId: string): Promise<Response> {
    return node.fetch(new Request('http://localhost/mcp', { headers: headersOf(sessionId, { 'last-event-id': lastEventId }) }));
}

function remove(node: SessionHandler, sessionId: string): Promise<Response> {
    return node.fetch(new Request('http://localhost/mcp', { method: 'DELETE', headers: headersOf(sessionId) }));
}

/** Reads an event stream event by event. */
async function* eventsOf(response: Response): AsyncGenerator<{ id?: string; message: Record<string, unknown> }> {
    const reader = response.body!.getReader();
    const decoder = new TextDecoder();
    let text = '';
    for (;;) {
        const { done, value } = await reader.read();
        if (done) {
            return;
        }
        text += decoder.decode(value, { stream: true });
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        for (const block of blocks) {
            const data = /^data: (\{.*)$/m.exec(block)?.[1];
            if (data !== undefined) {
                yield { id: /^id: (.*)$/m.exec(block)?.[1], message: JSON.parse(data) };
            }
        }
    }
}

async function messagesOf(response: Response): Promise<Record<string, unknown>[]> {
    const messages: Record<string, unknown>[] = [];
    for await (const { message } of eventsOf(response)) {
        messages.push(message);
    }
    return messages;
}

describe('two nodes that share a store', () => {
    const nodes: SessionHandler[] = [];
    const aborted: string[] = [];
    let store: InMemoryTransportStore;
    let started = Promise.resolve();

    function node(name: string): SessionHandler {
        let onstart: () => void;
        started = new Promise(resolve => {
            onstart = resolve;
        });
        const handler = createSessionHandler(
            () => {
                const server = new Server({ name: 'test', version: '1.0.0' }, { capabilities: { tools: {} } });
                onToolCall(server, async (tool, { signal, requestId, notify }) => {
                    switch (tool) {
                        case 'ask': {
                            const { action } = await server.elicitInput(
                                { message: 'Well?', requestedSchema: { type: 'object', properties: {} } },
                                { relatedRequestId: requestId }
                            );
                            return text(`${name}: ${action}`);
                        }
                        case 'wait': {
                            onstart();
                            await new Promise(resolve => signal.addEventListener('abort', resolve));
                            aborted.push(name);
                            return text('too late');
                        }
                        case 'count': {
                            for (let progress = 1; progress <= 3; progress++) {
                                await notify({ method: 'notifications/progress', params: { progressToken: 't', progress } });
                            }
                            return text('counted');
                        }
                        default: {
                            return text(`${name}: ${JSON.stringify(server.getClientCapabilities())}`);
                        }
                    }
                });
                return server;
            },
            { store, resumable: true, onerror: error => expect(error).toBeUndefined() }
        );
        nodes.push(handler);
        return handler;
    }

    async function begin(at: SessionHandler): Promise<string> {
        const params = { protocolVersion, capabilities, clientInfo: { name: 'test', version: '1.0.0' } };
        const response = await send(at, { id: 0, method: 'initialize', params });
        await response.text();
        const sessionId = response.headers.get('mcp-session-id');
        expect(sessionId).not.toBeNull();
        expect((await send(at, { method: 'notifications/initialized' }, sessionId!)).status).toBe(202);
        return sessionId!;
    }

    const call = (id: number, name: string) => ({ id, method: 'tools/call', params: { name } });

    beforeEach(() => {
        store = new InMemoryTransportStore();
        aborted.length = 0;
    });

    afterEach(async () => {
        await Promise.all(nodes.splice(0).map(handler => handler.close({ deadlineMs: 100 })));
    });

    it('serve one session, which both know the client of', async () => {
        const [a, b] = [node('a'), node('b')];
        const sessionId = await begin(a);
        const [answer] = await messagesOf(await send(b, call(1, 'hello'), sessionId));
        expect(answer).toMatchObject({ id: 1, result: { content: [{ text: 'b: {"elicitation":{"form":{}}}' }] } });
    });

    it('hand on the reply to a question', async () => {
        const [a, b] = [node('a'), node('b')];
        const sessionId = await begin(a);
        const events = eventsOf(await send(a, call(1, 'ask'), sessionId));
        const { value: question } = await events.next();
        const reply = await send(b, { id: question!.message.id, result: { action: 'decline' } }, sessionId);
        expect(reply.status).toBe(202);
        const { value: answer } = await events.next();
        expect(answer!.message).toMatchObject({ id: 1, result: { content: [{ text: 'a: decline' }] } });
    });

    it('abort a request that is cancelled at the other one', async () => {
        const [b, a] = [node('b'), node('a')];
        const sessionId = await begin(a);
        const response = await send(a, call(1, 'wait'), sessionId);
        await started;
        await send(b, { method: 'notifications/cancelled', params: { requestId: 1 } }, sessionId);
        expect(await messagesOf(response)).toEqual([]);
        expect(aborted).toEqual(['a']);
    });

    it('go on with a stream that the other one has begun', async () => {
        const [a, b] = [node('a'), node('b')];
        const sessionId = await begin(a);
        const all: { id?: string; message: Record<string, unknown> }[] = [];
        for await (const event of eventsOf(await send(a, call(1, 'count'), sessionId))) {
            all.push(event);
        }
        expect(all).toHaveLength(4);
        expect(await messagesOf(await get(b, sessionId, all[0]!.id!))).toEqual(all.slice(1).map(({ message }) => message));
    });

    it('end a session together', async () => {
        const [a, b] = [node('a'), node('b')];
        const sessionId = await begin(a);
        expect((await remove(b, sessionId)).status).toBe(200);
        expect((await send(a, call(1, 'hello'), sessionId)).status).toBe(404);
    });
});

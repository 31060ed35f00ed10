import { Server } from '../../src/server/index.js';
import { InMemoryTransportStore } from '../../src/server/inMemoryTransportStore.js';
import { createSessionHandler, type SessionHandler } from '../../src/server/sessionHandler.js';
import { CallToolRequestSchema, type CallToolResult, type RequestId, type ServerNotification } from '../../src/types.js';

interface Tool {
    readonly signal: AbortSignal;
    readonly requestId: RequestId;
    readonly notify: (notification: ServerNotification) => Promise<void>;
}

function text(content: string): CallToolResult {
    return { content: [{ type: 'text', text: content }] };
}

function onToolCall(server: Server, answer: (tool: string, context: Tool) => Promise<CallToolResult>): void {
    server.setRequestHandler(CallToolRequestSchema, ({ params }, { signal, requestId, sendNotification }) =>
        answer(params.name, { signal, requestId, notify: sendNotification })
    );
}

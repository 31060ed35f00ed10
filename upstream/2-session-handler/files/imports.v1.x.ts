import { Server } from '../../src/server/index.js';
import { InMemoryTransportStore } from '../../src/server/inMemoryTransportStore.js';
import { createSessionHandler, type SessionHandler } from '../../src/server/sessionHandler.js';
import { CallToolRequestSchema, type CallToolResult, type RequestId, type ServerNotification as Notification } from '../../src/types.js';

function onToolCall(server: Server, answer: (tool: string, context: Tool) => Promise<CallToolResult>): void {
    server.setRequestHandler(CallToolRequestSchema, ({ params }, { signal, requestId, sendNotification }) =>
        answer(params.name, { signal, requestId, notify: sendNotification })
    );
}

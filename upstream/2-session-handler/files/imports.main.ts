import type { CallToolResult, Notification, RequestId } from '@modelcontextprotocol/core-internal';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { SessionHandler } from '../../src/index';
import { createSessionHandler, InMemoryTransportStore, Server } from '../../src/index';

function onToolCall(server: Server, answer: (tool: string, context: Tool) => Promise<CallToolResult>): void {
    server.setRequestHandler('tools/call', ({ params }, { mcpReq: { signal, id, notify } }) =>
        answer(params.name, { signal, requestId: id, notify })
    );
}

import { describe, expect, it, vi } from 'vitest';

import { Server } from '../../src/server/server';
import { WebStandardStreamableHTTPServerTransport } from '../../src/server/streamableHttp';

function onToolCall(server: Server, answer: () => { content: [] }): void {
    server.setRequestHandler('tools/call', answer);
}

import { Server } from '../../src/server/index.js';
import { WebStandardStreamableHTTPServerTransport } from '../../src/server/webStandardStreamableHttp.js';
import { CallToolRequestSchema } from '../../src/types.js';

function onToolCall(server: Server, answer: () => { content: [] }): void {
    server.setRequestHandler(CallToolRequestSchema, answer);
}

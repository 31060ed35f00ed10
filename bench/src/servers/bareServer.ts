import type { IncomingMessage, ServerResponse } from 'node:http';
import { field } from '../json.ts';
import type { BenchServer, ServerSetup } from './messages.ts';

/** The least that an HTTP server on Node can do: reads JSON, writes JSON or one event, knows no session. */
export function bareServer({ json }: ServerSetup, answerText = (text: string) => text): BenchServer {
    const readers = new Set<ServerResponse>();
    return {
        handle: (request, response) => {
            if (request.method === 'GET') {
                readers.add(response.writeHead(200, { 'Content-Type': 'text/event-stream' }));
                response.flushHeaders();
                return;
            }
            readBody(request, body => {
                const message: unknown = JSON.parse(body);
                const id = field(message, 'id');
                const result =
                    field(message, 'method') === 'initialize'
                        ? { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'bare', version: '1' } }
                        : {
                              content: [
                                  { type: 'text', text: answerText(String(field(field(field(message, 'params'), 'arguments'), 'text'))) }
                              ]
                          };
                const answer = JSON.stringify({ jsonrpc: '2.0', id, result });
                const payload = json ? answer : `event: message\ndata: ${answer}\n\n`;
                response.writeHead(id === undefined ? 202 : 200, {
                    'Content-Type': json ? 'application/json' : 'text/event-stream',
                    'Content-Length': Buffer.byteLength(payload),
                    'mcp-session-id': 'bare'
                });
                response.end(payload);
            });
        },
        broadcast: async () => {
            for (const reader of readers) {
                const params = { level: 'info', data: 'news' };
                reader.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params })}\n\n`);
            }
        },
        liveSessions: 0,
        close: async () => undefined
    };
}

function readBody(request: IncomingMessage, done: (body: string) => void): void {
    let body = '';
    request
        .setEncoding('utf8')
        .on('data', (chunk: string) => (body += chunk))
        .on('end', () => done(body));
}

import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { CallToolRequestSchema } from '@modelcontextprotocol/sdk/types.js';

/** Events that the tool `count` sends before its result. */
export const COUNTED = 10;

/**
 * The MCP server that all targets serve; its class is the SDK's own, which the fork hands on as it is.
 *
 * Its tools: `echo` returns its text; `ask` asks the client and returns the answer; `count` sends progress notifications.
 */
export function makeServer(): Server {
    const server = new Server({ name: 'bench', version: '1.0.0' }, { capabilities: { tools: {}, logging: {} } });
    server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
        switch (params.name) {
            case 'ask': {
                const { action } = await server.elicitInput(
                    { message: 'Go on?', requestedSchema: { type: 'object', properties: {} } },
                    { relatedRequestId: extra.requestId }
                );
                return text(action);
            }
            case 'count':
                for (let i = 0; i < COUNTED; i++) {
                    await extra.sendNotification({ method: 'notifications/progress', params: { progressToken: 'count', progress: i } });
                }
                return text(String(COUNTED));
            default:
                return text(String(params.arguments?.['text']));
        }
    });
    return server;
}

/** A notification for a standalone stream. */
export function announce(server: Server): Promise<void> {
    return server.notification({ method: 'notifications/message', params: { level: 'info', data: 'news' } });
}

function text(value: string): { content: { type: 'text'; text: string }[] } {
    return { content: [{ type: 'text', text: value }] };
}

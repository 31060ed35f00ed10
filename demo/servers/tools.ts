import { setTimeout as delay } from 'node:timers/promises';
import { type McpServer } from '@modelcontextprotocol/sdk-upstream/server/mcp.js';
import { z } from 'zod';

/** Tools that show where a session's requests run. They are the same on the unmodified SDK and on the fork. */
export function addTools(server: McpServer, node: string): void {
    const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] });

    server.registerTool('where', { description: 'Tells which node runs this' }, () => text(node));

    server.registerTool(
        'count',
        { description: 'Counts slowly, and reports each number', inputSchema: { to: z.number(), everyMs: z.number() } },
        async ({ to, everyMs }, { _meta, sendNotification, signal }) => {
            for (let progress = 1; progress <= to; progress++) {
                await delay(everyMs, undefined, { signal });
                if (_meta?.progressToken !== undefined) {
                    const params = { progressToken: _meta.progressToken, progress, total: to };
                    await sendNotification({ method: 'notifications/progress', params });
                }
            }
            return text(node);
        }
    );

    server.registerTool('greet', { description: 'Asks the user for a name' }, async ({ requestId }) => {
        const answer = await server.server.elicitInput(
            {
                mode: 'form',
                message: 'What is your name?',
                requestedSchema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] }
            },
            { relatedRequestId: requestId }
        );
        return text(`Hello ${String(answer.content?.['name'])}`);
    });

    server.registerTool('announce', { description: 'Logs a piece of information, then an error' }, async ({ sessionId }) => {
        await server.sendLoggingMessage({ level: 'info', data: node }, sessionId);
        await server.sendLoggingMessage({ level: 'error', data: node }, sessionId);
        return text(node);
    });

    server.registerTool('wait', { description: 'Waits until it is cancelled, and logs that' }, async ({ sessionId, signal }) => {
        await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }));
        await server.sendLoggingMessage({ level: 'alert', data: node }, sessionId);
        return text(node);
    });
}

import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
    CallToolRequestSchema,
    ListRootsResultSchema,
    ListToolsRequestSchema,
    McpError,
    SetLevelRequestSchema,
    type ServerRequest
} from '@modelcontextprotocol/sdk/types.js';
import type { TransportFactoryContext } from '@modelcontextprotocol/sdk/server/transportFactory.js';
import { z } from 'zod';

/** What the servers of one node have seen, for tests that look behind the wire. */
export interface NodeLog {
    readonly built: TransportFactoryContext[];
    readonly initialized: string[];
    /** Sessions whose server objects were closed. */
    readonly closed: string[];
    readonly notifications: string[];
    readonly aborted: { readonly sessionId: string; readonly requestId: string | number }[];
}

export function emptyLog(): NodeLog {
    return { built: [], initialized: [], closed: [], notifications: [], aborted: [] };
}

function text(value: unknown): { content: { type: 'text'; text: string }[] } {
    return { content: [{ type: 'text', text: typeof value === 'string' ? value : JSON.stringify(value) }] };
}

function questionOf(kind: string, text: string): ServerRequest {
    switch (kind) {
        case 'elicitation': {
            const requestedSchema = { type: 'object' as const, properties: { value: { type: 'string' as const } } };
            return { method: 'elicitation/create', params: { mode: 'form', message: text, requestedSchema } };
        }
        case 'sampling':
            return {
                method: 'sampling/createMessage',
                params: { messages: [{ role: 'user', content: { type: 'text', text } }], maxTokens: 100 }
            };
        case 'roots':
            return { method: 'roots/list' };
        default:
            throw new Error(`No question ${kind}`);
    }
}

/**
 * A server whose tools show what a session knows and where its requests run.
 *
 * - `whoami`: node, client info, capabilities, principal, log level
 * - `hold { release? }`: waits until the test calls `release` of the returned gate or the request is aborted
 * - `ask { text, kind, timeoutMs }`: asks the client (`elicitation`, `sampling`, `roots`) as part of the call, with progress
 * - `roots`: asks for roots, apart from the call
 * - `announce { text, count }`: log messages that belong to no request
 * - `progress { steps, gate?, pauseAt? }`: notifications on the request's own stream
 * - `poll { gate, times? }`: ends the call's own stream, so that the client polls, before each of the gates `gate`, `gate 2`, ...; `closeStandalone`: ends the session's standalone stream
 * - `stubborn { gate }`: waits at the gate whatever is aborted, and then announces and answers
 * - `big { size }`: returns a text of so many characters
 */
export function buildServer(node: string, context: TransportFactoryContext, log: NodeLog, gates: Gates): Server {
    const server = new Server({ name: 'test-server', version: '0' }, { capabilities: { tools: {}, logging: {} } });
    let logLevel: string | null = null;
    log.built.push(context);
    server.oninitialized = () => log.initialized.push(context.sessionId);
    server.onclose = () => log.closed.push(context.sessionId);
    server.fallbackNotificationHandler = notification => {
        log.notifications.push(notification.method);
        return Promise.resolve();
    };
    server.setRequestHandler(SetLevelRequestSchema, request => {
        logLevel = request.params.level;
        return {};
    });
    server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: [] }));
    server.setRequestHandler(CallToolRequestSchema, async (request, extra) => {
        const { name, arguments: args = {} } = request.params;
        extra.signal.addEventListener('abort', () => log.aborted.push({ sessionId: context.sessionId, requestId: extra.requestId }));
        switch (name) {
            case 'whoami':
                return text({
                    node,
                    sessionId: extra.sessionId,
                    clientInfo: server.getClientVersion(),
                    clientCapabilities: server.getClientCapabilities(),
                    principal: extra.authInfo?.clientId ?? null,
                    logLevel
                });
            case 'hold':
                await gates.wait(String(args['gate']), extra.signal);
                return text(`held on ${node}`);
            case 'ask': {
                const progress: unknown[] = [];
                try {
                    const answer = await extra.sendRequest(
                        questionOf(String(args['kind'] ?? 'elicitation'), String(args['text'])),
                        z.looseObject({}),
                        {
                            onprogress: step => progress.push(step.progress),
                            timeout: Number(args['timeoutMs'] ?? 10_000)
                        }
                    );
                    return text({ node, answer, progress });
                } catch (error) {
                    if (error instanceof McpError) {
                        return { ...text({ node, error: { code: error.code, message: error.message }, progress }), isError: true };
                    }
                    throw error;
                }
            }
            case 'roots':
                return text({ node, answer: await server.request({ method: 'roots/list' }, ListRootsResultSchema) });
            case 'announce': {
                const count = Number(args['count'] ?? 1);
                for (let i = 0; i < count; i++) {
                    await server.notification({
                        method: 'notifications/message',
                        params: { level: 'info', data: { text: args['text'], i, node } }
                    });
                }
                return text('announced');
            }
            case 'progress': {
                const steps = Number(args['steps']);
                for (let i = 1; i <= steps; i++) {
                    await extra.sendNotification({
                        method: 'notifications/progress',
                        params: { progressToken: extra._meta?.progressToken ?? 0, progress: i, total: steps }
                    });
                    if (args['gate'] !== undefined && i === Number(args['pauseAt'])) {
                        await gates.wait(String(args['gate']), extra.signal);
                    }
                }
                return text(`progressed on ${node}`);
            }
            case 'poll':
                for (let i = 1; i <= Number(args['times'] ?? 1); i++) {
                    extra.closeSSEStream?.();
                    await gates.wait(i === 1 ? String(args['gate']) : `${String(args['gate'])} ${i}`, extra.signal);
                }
                return text(`polled on ${node}`);
            case 'stubborn':
                await gates.wait(String(args['gate']), new AbortController().signal);
                await server.notification({ method: 'notifications/message', params: { level: 'info', data: 'too late' } });
                return text(`stubborn on ${node}`);
            case 'closeStandalone':
                extra.closeStandaloneSSEStream?.();
                return text('closed');
            case 'big':
                return text('x'.repeat(Number(args['size'])));
            default:
                throw new Error(`No tool ${name}`);
        }
    });
    return server;
}

/** Lets tests decide when a tool goes on, and learn when it has come to the point. */
export class Gates {
    private readonly gates = new Map<string, { arrived: () => void; arrival: Promise<void>; open: () => void; opened: Promise<void> }>();

    /** Resolves when a tool waits at the gate. */
    arrival(name: string): Promise<void> {
        return this.gate(name).arrival;
    }

    open(name: string): void {
        this.gate(name).open();
    }

    /** From now on tools wait at the gate again. */
    close(name: string): void {
        this.gates.delete(name);
    }

    async wait(name: string, signal: AbortSignal): Promise<void> {
        const gate = this.gate(name);
        gate.arrived();
        await Promise.race([
            gate.opened,
            new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true }))
        ]);
    }

    private gate(name: string) {
        let gate = this.gates.get(name);
        if (!gate) {
            let arrived = (): void => undefined;
            let open = (): void => undefined;
            const arrival = new Promise<void>(resolve => (arrived = resolve));
            const opened = new Promise<void>(resolve => (open = resolve));
            gate = { arrived, arrival, open, opened };
            this.gates.set(name, gate);
        }
        return gate;
    }
}

import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { createParser } from 'eventsource-parser';
import { mcpUrl } from '../../cluster/clusterNode.ts';
import { describeError, HarnessError } from '../../errors.ts';
import type { HttpMethod } from '../../history/historyEvent.ts';
import type { Recorder } from '../../history/recorder.ts';
import { parseMessages } from '../../http/jsonRpcMessage.ts';
import type { Endpoint } from '../../http/mcpClient.ts';

/** A connection of the client. */
interface Connection {
    readonly method: string;
    readonly res: ServerResponse;
}

/**
 * Stands before an endpoint and writes down what clients that record nothing themselves send to it and get from it. It changes nothing,
 * but can break connections, which no client does to itself.
 */
export class RecordingProxy {
    readonly url: string;
    private readonly server: Server;
    private readonly connections: ReadonlySet<Connection>;

    private constructor(server: Server, url: string, connections: ReadonlySet<Connection>) {
        this.server = server;
        this.url = url;
        this.connections = connections;
    }

    static async start(endpoint: Endpoint, recorder: Recorder): Promise<RecordingProxy> {
        const connections = new Set<Connection>();
        const server = createServer((req, res) => {
            const connection = { method: req.method ?? '', res };
            connections.add(connection);
            res.once('close', () => connections.delete(connection));
            forward(endpoint, recorder, req, res).catch((error: unknown) => res.destroy(error instanceof Error ? error : undefined));
        });
        await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
        const address = server.address();
        if (address === null || typeof address === 'string') {
            throw new HarnessError('The recording proxy listens on no TCP port');
        }
        return new RecordingProxy(server, mcpUrl(address.port), connections);
    }

    /** Breaks connections on which an answer comes, as an unreliable network does. @returns how many. */
    breakAnswers(method: HttpMethod): number {
        const broken = [...this.connections].filter(connection => connection.method === method && connection.res.headersSent);
        broken.forEach(({ res }) => res.destroy());
        return broken.length;
    }

    /** Whether the client reads an answer to such a request at the moment. */
    isOpen(method: HttpMethod): boolean {
        return [...this.connections].some(connection => connection.method === method && connection.res.headersSent);
    }

    /** Ends all connections. */
    async close(): Promise<void> {
        await new Promise<void>(resolve => {
            this.server.close(() => resolve());
            this.server.closeAllConnections();
        });
    }
}

async function forward(endpoint: Endpoint, recorder: Recorder, req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = await text(req);
    const op = recorder.nextOp();
    recorder.record({ type: 'invoke', op, ...describeRequest(endpoint, req, body) });
    await new Promise<void>(resolve => {
        const outgoing = request(endpoint.url, { method: req.method, headers: req.headers, agent: false }, incoming => {
            const status = incoming.statusCode ?? 502;
            const node = incoming.headers['x-node-id'];
            recorder.record({ type: 'response', op, status, answeredBy: typeof node === 'string' ? node : undefined });
            res.writeHead(status, incoming.headers);
            res.flushHeaders();
            const reader = new MessageReader(op, recorder, incoming.headers['content-type'] ?? '');
            incoming.setEncoding('utf8').on('data', (chunk: string) => {
                reader.feed(chunk);
                res.write(chunk);
            });
            incoming.once('end', () => {
                reader.end();
                res.end();
            });
            incoming.once('error', () => res.destroy());
            res.once('close', () => {
                outgoing.destroy();
                const outcome = incoming.complete ? 'ok' : incoming.errored === null ? 'closed-by-client' : 'failed';
                recorder.record({ type: 'complete', op, outcome });
                resolve();
            });
        });
        outgoing.on('error', error => {
            if (!res.headersSent) {
                recorder.record({ type: 'complete', op, outcome: 'failed', reason: describeError(error) });
                res.writeHead(502, { 'content-type': 'text/plain' }).end(`${error.message}\n`);
                resolve();
            }
        });
        // A client that goes away must be missed by the server.
        res.once('close', () => outgoing.destroy());
        outgoing.end(body);
    });
}

function describeRequest(endpoint: Endpoint, { method, headers }: IncomingMessage, body: string) {
    const session = headers['mcp-session-id'];
    const lastEventId = headers['last-event-id'];
    return {
        session: typeof session === 'string' ? session : undefined,
        node: endpoint.id,
        method: readMethod(method),
        ...(body === '' ? {} : { messages: readMessages(body) }),
        ...(typeof lastEventId === 'string' ? { lastEventId } : {})
    };
}

const methods: readonly HttpMethod[] = ['POST', 'GET', 'DELETE', 'PUT', 'PATCH', 'TRACE'];

/** What MCP does not use is recorded as what comes closest. */
function readMethod(method: string | undefined): HttpMethod {
    return methods.find(candidate => candidate === method) ?? 'GET';
}

function readMessages(body: string): readonly unknown[] {
    try {
        return parseMessages(body);
    } catch {
        return [body];
    }
}

/** Finds the messages in an answer that passes. */
class MessageReader {
    private readonly op: number;
    private readonly recorder: Recorder;
    private readonly type: string;
    private readonly parser = createParser({ onEvent: ({ id, data }) => this.record(data, id) });
    private body = '';

    constructor(op: number, recorder: Recorder, type: string) {
        this.op = op;
        this.recorder = recorder;
        this.type = type;
    }

    feed(chunk: string): void {
        if (this.type.startsWith('text/event-stream')) {
            this.parser.feed(chunk);
        } else {
            this.body += chunk;
        }
    }

    end(): void {
        if (this.type.startsWith('application/json')) {
            this.record(this.body, undefined);
        }
    }

    private record(text: string, eventId: string | undefined): void {
        if (text !== '') {
            for (const message of readMessages(text)) {
                this.recorder.record({ type: 'message', op: this.op, message, ...(eventId === undefined ? {} : { eventId }) });
            }
        }
    }
}

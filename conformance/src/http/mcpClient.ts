import { Agent, type Dispatcher, request as send } from 'undici';
import { z } from 'zod';
import { ConnectionFailedError, RequirementNotMetError, WaitedInVainError } from '../errors.ts';
import type { HttpMethod } from '../history/historyEvent.ts';
import type { Recorder } from '../history/recorder.ts';
import type { JsonRpcMessage, RequestId } from './jsonRpcMessage.ts';
import { McpAnswer } from './mcpAnswer.ts';

/** The newest revision of the specification that the suite speaks, and asks for unless told otherwise. */
export const latestProtocolVersion = '2025-11-25';

/** Where a request goes: a node, or something before the nodes. Its URL is looked up for each request. */
export interface Endpoint {
    /** Its name in the history. */
    readonly id: string;
    readonly url: string;
}

/** What requests of a session carry. */
export interface McpSession {
    readonly id: string;
    /** The negotiated version, sent as `MCP-Protocol-Version`. */
    readonly protocolVersion?: string | undefined;
    /** Sent as `Authorization: Bearer`. */
    readonly token?: string | undefined;
}

/** A session that {@link McpClient.initialize} has made. */
export interface NewSession extends McpSession {
    readonly protocolVersion: string;
    /** The result of `initialize`. */
    readonly result: Readonly<Record<string, unknown>>;
}

export interface RequestOptions {
    readonly session?: McpSession | undefined;
    /** Added to, and in place of, what the suite sends by itself; `undefined` leaves a header out. */
    readonly headers?: Readonly<Record<string, string | undefined>>;
    /** Longest wait for status and headers, in milliseconds. */
    readonly timeoutMs?: number;
}

export interface GetOptions extends RequestOptions {
    /** Resumes the stream of that event. */
    readonly lastEventId?: string | undefined;
}

export interface InitializeOptions {
    /** Default: {@link latestProtocolVersion} */
    readonly protocolVersion?: string;
    readonly capabilities?: Readonly<Record<string, unknown>>;
    readonly clientInfo?: Readonly<Record<string, unknown>>;
    readonly token?: string;
}

export interface McpClientOptions {
    readonly recorder: Recorder;
    /** Ends everything that runs. */
    readonly signal?: AbortSignal;
    /** Longest wait for the headers of an answer, and for each thing that is waited for in it, in milliseconds. Default: 8,000. */
    readonly waitMs?: number;
}

/** Long enough for every deadline that a server has for what does not involve a fault. */
const defaultWaitMs = 8_000;
const connectTimeoutMs = 5_000;

const initializeResult = z.looseObject({ protocolVersion: z.string() });

const toolResult = z.looseObject({
    content: z.array(z.looseObject({ type: z.string(), text: z.string().optional() })),
    isError: z.boolean().optional()
});

/** What a tool has returned. */
export interface ToolResult {
    /** The `x-node-id` of the answer. */
    readonly nodeId: string | undefined;
    /** The first text of the result; empty if there is none. */
    readonly text: string;
    readonly isError: boolean;
}

/** A request that has been sent and whose answer has begun. */
export interface RunningRequest {
    readonly id: RequestId;
    readonly answer: McpAnswer;
}

/**
 * An MCP client that does nothing by itself: each request goes where the caller says, nothing is repeated, every wait has an end, and
 * everything is recorded. It keeps no connections between requests, as one that its server has closed would look like a failure.
 */
export class McpClient {
    private readonly recorder: Recorder;
    private readonly waitMs: number;
    private readonly agent: Agent;
    private readonly open = new Set<AbortController>();
    private readonly signal: AbortSignal | undefined;
    private lastRequestId = 0;

    constructor({ recorder, signal, waitMs = defaultWaitMs }: McpClientOptions) {
        this.recorder = recorder;
        this.waitMs = waitMs;
        this.signal = signal;
        this.agent = new Agent({ pipelining: 0, connect: { timeout: connectTimeoutMs }, headersTimeout: 0, bodyTimeout: 0 });
        signal?.addEventListener('abort', this.abortAll, { once: true });
    }

    /** Sends one message, or several as a batch. */
    post(endpoint: Endpoint, message: unknown, options: RequestOptions = {}): Promise<McpAnswer> {
        return this.postText(endpoint, JSON.stringify(message), options, Array.isArray(message) ? message : [message]);
    }

    /** Sends a body as it is. @param messages what it holds, for the history. */
    postText(endpoint: Endpoint, body: string, options: RequestOptions = {}, messages: readonly unknown[] = []): Promise<McpAnswer> {
        const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
        return this.send(endpoint, 'POST', headers, options, { body, messages });
    }

    /** Opens the session's standalone stream, or resumes a stream. */
    get(endpoint: Endpoint, { lastEventId, ...options }: GetOptions = {}): Promise<McpAnswer> {
        const headers = { accept: 'text/event-stream', 'last-event-id': lastEventId };
        return this.send(endpoint, 'GET', headers, options, { lastEventId });
    }

    delete(endpoint: Endpoint, options: RequestOptions = {}): Promise<McpAnswer> {
        return this.send(endpoint, 'DELETE', {}, options, {});
    }

    /** Sends a request without a body of whatever method. */
    try(endpoint: Endpoint, method: HttpMethod, options: RequestOptions = {}): Promise<McpAnswer> {
        return this.send(endpoint, method, {}, options, {});
    }

    /** An id that no other request of this client has. */
    newRequestId(): number {
        return ++this.lastRequestId;
    }

    /** Sends a request. It runs when this resolves: the server has answered with status and headers. */
    async start(
        endpoint: Endpoint,
        session: McpSession,
        method: string,
        params?: Readonly<Record<string, unknown>>,
        id: RequestId = this.newRequestId()
    ): Promise<RunningRequest> {
        return { id, answer: await this.post(endpoint, { jsonrpc: '2.0', id, method, params }, { session }) };
    }

    /** Sends a request and waits for its response, which may be an error. */
    async request(
        endpoint: Endpoint,
        session: McpSession,
        method: string,
        params?: Readonly<Record<string, unknown>>
    ): Promise<JsonRpcMessage> {
        const { id, answer } = await this.start(endpoint, session, method, params);
        return answer.response(id);
    }

    /** Sends a notification. */
    notify(endpoint: Endpoint, session: McpSession, method: string, params?: Readonly<Record<string, unknown>>): Promise<McpAnswer> {
        return this.post(endpoint, { jsonrpc: '2.0', method, params }, { session });
    }

    /** Answers a request of the server. */
    reply(endpoint: Endpoint, session: McpSession, id: RequestId, result: unknown): Promise<McpAnswer> {
        return this.post(endpoint, { jsonrpc: '2.0', id, result }, { session });
    }

    /** Calls a tool; see {@link start}. */
    startTool(
        endpoint: Endpoint,
        session: McpSession,
        name: string,
        args: Readonly<Record<string, unknown>> = {},
        { progressToken, id }: { readonly progressToken?: RequestId; readonly id?: RequestId } = {}
    ): Promise<RunningRequest> {
        const params = { name, arguments: args, ...(progressToken === undefined ? {} : { _meta: { progressToken } }) };
        return this.start(endpoint, session, 'tools/call', params, id);
    }

    /** Calls a tool and waits for its result. @throws {RequirementNotMetError} if the answer is an error of the protocol. */
    async callTool(
        endpoint: Endpoint,
        session: McpSession,
        name: string,
        args: Readonly<Record<string, unknown>> = {}
    ): Promise<ToolResult> {
        return this.toolResult(await this.startTool(endpoint, session, name, args));
    }

    /** Waits for the result of a tool that was called with {@link startTool}. @throws as {@link callTool}. */
    async toolResult(running: RunningRequest, waitMs = this.waitMs): Promise<ToolResult> {
        const response = await running.answer.response(running.id, waitMs);
        return readToolResult(running.answer, response);
    }

    /**
     * Makes a session. `notifications/initialized` is left to the caller, who chooses where to send it.
     * @throws {RequirementNotMetError} if there is no session in the answer.
     */
    async initialize(
        endpoint: Endpoint,
        {
            protocolVersion = latestProtocolVersion,
            capabilities = {},
            clientInfo = { name: 'session-conformance', version: '1.0.0' },
            token
        }: InitializeOptions = {}
    ): Promise<NewSession> {
        const id = this.newRequestId();
        const params = { protocolVersion, capabilities, clientInfo };
        const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
        const answer = await this.post(endpoint, { jsonrpc: '2.0', id, method: 'initialize', params }, { headers });
        return readSession(answer, await answer.response(id), token);
    }

    /** Makes a session and tells the server that the client is ready, both at the same endpoint. */
    async openSession(endpoint: Endpoint, options?: InitializeOptions): Promise<NewSession> {
        const session = await this.initialize(endpoint, options);
        const answer = await this.notify(endpoint, session, 'notifications/initialized');
        if (answer.status !== 202) {
            throw new RequirementNotMetError(`${answer.describe()} should have been 202: it is notifications/initialized`);
        }
        return session;
    }

    /** Ends all that is still open. The client can't be used any more. */
    async close(): Promise<void> {
        this.signal?.removeEventListener('abort', this.abortAll);
        this.abortAll();
        await this.agent.destroy();
    }

    private readonly abortAll = (): void => {
        for (const controller of this.open) {
            controller.abort(this.signal?.aborted ? this.signal.reason : new Error('The client was closed'));
        }
    };

    private async send(
        endpoint: Endpoint,
        method: HttpMethod,
        ownHeaders: Readonly<Record<string, string | undefined>>,
        { session, headers = {}, timeoutMs = this.waitMs }: RequestOptions,
        { body, messages, lastEventId }: { body?: string; messages?: readonly unknown[]; lastEventId?: string | undefined }
    ): Promise<McpAnswer> {
        this.signal?.throwIfAborted();
        const op = this.recorder.nextOp();
        const request = `${method} at ${endpoint.id}`;
        const allHeaders = { ...sessionHeaders(session), ...ownHeaders, ...headers };
        const invoked = { ...(messages === undefined ? {} : { messages }), ...(lastEventId === undefined ? {} : { lastEventId }) };
        this.recorder.record({ type: 'invoke', op, session: session?.id, node: endpoint.id, method, ...invoked });
        const controller = new AbortController();
        this.open.add(controller);
        const timer = setTimeout(() => controller.abort(new WaitedInVainError(`an answer to ${request}`, timeoutMs)), timeoutMs);
        let data: Dispatcher.ResponseData;
        try {
            data = await send(endpoint.url, {
                method,
                headers: Object.fromEntries(Object.entries(allHeaders).filter(([, value]) => value !== undefined)),
                body: body ?? null,
                dispatcher: this.agent,
                signal: controller.signal
            });
        } catch (cause) {
            this.open.delete(controller);
            const error = cause instanceof WaitedInVainError ? cause : new ConnectionFailedError(request, cause);
            const outcome = cause instanceof WaitedInVainError ? 'timeout' : controller.signal.aborted ? 'closed-by-client' : 'failed';
            this.recorder.record({ type: 'complete', op, outcome, reason: error.message });
            throw this.signal?.aborted ? this.signal.reason : error;
        } finally {
            clearTimeout(timer);
        }
        const answer = new McpAnswer(data, {
            op,
            request,
            recorder: this.recorder,
            abort: () => controller.abort(),
            isAborted: () => controller.signal.aborted,
            waitMs: this.waitMs,
            onend: () => this.open.delete(controller)
        });
        this.recorder.record({ type: 'response', op, status: answer.status, answeredBy: answer.nodeId });
        return answer;
    }
}

function sessionHeaders(session: McpSession | undefined): Record<string, string | undefined> {
    return {
        'mcp-session-id': session?.id,
        'mcp-protocol-version': session?.protocolVersion,
        authorization: session?.token === undefined ? undefined : `Bearer ${session.token}`
    };
}

function readSession(answer: McpAnswer, response: JsonRpcMessage, token: string | undefined): NewSession {
    const id = answer.header('mcp-session-id');
    const result = initializeResult.safeParse(response.result);
    if (answer.status !== 200 || id === undefined || !result.success) {
        const got = JSON.stringify(response.error ?? response.result);
        throw new RequirementNotMetError(`${answer.describe()} made no session; session id ${id ?? '(none)'}, ${got}`);
    }
    return { id, protocolVersion: result.data.protocolVersion, token, result: result.data };
}

/** Reads what a tool has returned. @throws {RequirementNotMetError} if the response is an error of the protocol. */
export function readToolResult(answer: McpAnswer, response: JsonRpcMessage): ToolResult {
    const parsed = toolResult.safeParse(response.result);
    if (!parsed.success) {
        throw new RequirementNotMetError(
            `${answer.describe()} is no result of a tool: ${JSON.stringify(response.error ?? response.result)}`
        );
    }
    const { content, isError = false } = parsed.data;
    return { nodeId: answer.nodeId, text: content[0]?.text ?? '', isError };
}

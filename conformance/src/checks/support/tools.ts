import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Deployment } from '../../drivers/deployment.ts';
import { RequirementNotMetError, WaitedInVainError } from '../../errors.ts';
import { isRequest, type JsonRpcMessage, type RequestId } from '../../http/jsonRpcMessage.ts';
import type { McpAnswer } from '../../http/mcpAnswer.ts';
import type { Endpoint, McpClient, McpSession, RunningRequest, ToolResult } from '../../http/mcpClient.ts';

const record = z.record(z.string(), z.unknown());

const whoamiResult = z.looseObject({
    node: z.string(),
    sessionId: z.string().nullable(),
    clientInfo: record.nullable(),
    clientCapabilities: record.nullable(),
    principal: z.string().nullable(),
    logLevel: z.string().nullable()
});

/** What a node knows of a session. */
export type Whoami = z.infer<typeof whoamiResult>;

/** Reads the JSON text that a tool of the fixture contract has returned. */
function readJson<T>(schema: z.ZodType<T>, tool: string, { text }: ToolResult): T {
    try {
        return schema.parse(JSON.parse(text));
    } catch (cause) {
        throw new RequirementNotMetError(`Tool ${tool} returned what the fixture contract does not say: ${text.slice(0, 300)}`, { cause });
    }
}

export async function whoami(client: McpClient, node: Endpoint, session: McpSession): Promise<Whoami> {
    return readJson(whoamiResult, 'whoami', await client.callTool(node, session, 'whoami'));
}

/** Everything that a client can be asked for. */
export const askableCapabilities = { elicitation: {}, sampling: {}, roots: {} };

export type Kind = 'elicitation' | 'sampling' | 'roots';

/** Method of the request that tool `ask` sends. */
const methods: Record<Kind, string> = {
    elicitation: 'elicitation/create',
    sampling: 'sampling/createMessage',
    roots: 'roots/list'
};

/** A valid answer of each kind, which can be recognized by its text. */
export function answerOf(kind: Kind, text: string): Record<string, unknown> {
    switch (kind) {
        case 'elicitation':
            return { action: 'accept', content: { value: text } };
        case 'sampling':
            return { role: 'assistant', model: 'none', content: { type: 'text', text } };
        case 'roots':
            return { roots: [{ uri: `file:///${text}`, name: text }] };
    }
}

/** A call of tool `ask` whose question has come. */
export interface Question {
    readonly call: RunningRequest;
    /** Id of the server's request. */
    readonly id: RequestId;
    readonly message: JsonRpcMessage;
}

/** Calls tool `ask` and waits for its question. */
export async function ask(
    client: McpClient,
    node: Endpoint,
    session: McpSession,
    { kind = 'elicitation', text = 'well?', timeoutMs = 10_000 }: { kind?: Kind; text?: string; timeoutMs?: number } = {}
): Promise<Question> {
    const call = await client.startTool(node, session, 'ask', { kind, text, timeoutMs });
    return { call, ...(await questionOn(call.answer, kind)) };
}

/** Waits for the question of tool `ask` on a stream. */
export async function questionOn(answer: McpAnswer, kind: Kind = 'elicitation'): Promise<{ id: RequestId; message: JsonRpcMessage }> {
    const method = methods[kind];
    const message = await answer.message(`a ${method} request`, candidate => candidate.method === method);
    if (!isRequest(message)) {
        throw new RequirementNotMetError(`${method} came as a notification: ${JSON.stringify(message)}`);
    }
    return { id: message.id, message };
}

const askResult = z.looseObject({ node: z.string(), answer: z.unknown().optional(), error: z.unknown().optional() });

/** What tool `ask` has got for an answer. */
export function readAskResult(result: ToolResult): z.infer<typeof askResult> & { readonly isError: boolean } {
    return { ...readJson(askResult, 'ask', result), isError: result.isError };
}

/** Waits for what tool `ask` has got for an answer. */
export async function askOutcome(client: McpClient, call: RunningRequest, waitMs?: number): Promise<ReturnType<typeof readAskResult>> {
    return readAskResult(await client.toolResult(call, waitMs));
}

/** Calls tool `sleep` and waits until it certainly runs: its first progress has come. */
export async function startSleep(
    client: McpClient,
    node: Endpoint,
    session: McpSession,
    { ms, steps, id }: { ms: number; steps: number; id?: RequestId }
): Promise<RunningRequest & { readonly token: RequestId }> {
    const token = `progress-${client.newRequestId()}`;
    const options = { progressToken: token, ...(id === undefined ? {} : { id }) };
    const running = await client.startTool(node, session, 'sleep', { ms, steps }, options);
    await running.answer.message('the first notifications/progress', message => progressOf(message, token) !== undefined);
    return { ...running, token };
}

const progressParams = z.looseObject({ progressToken: z.union([z.string(), z.number()]), progress: z.number() });

/** The progress that a message reports under a token; `undefined` if it is something else. */
export function progressOf(message: JsonRpcMessage, token: RequestId): number | undefined {
    if (message.method !== 'notifications/progress') {
        return undefined;
    }
    const params = progressParams.safeParse(message.params);
    return params.success && params.data.progressToken === token ? params.data.progress : undefined;
}

/** All progress under a token, in the order of the messages. */
export function progressIn(messages: readonly JsonRpcMessage[], token: RequestId): number[] {
    return messages.flatMap(message => progressOf(message, token) ?? []);
}

const announcementParams = z.looseObject({ data: z.looseObject({ text: z.string(), i: z.number(), node: z.string() }) });

/** A message that tool `announce` has sent. */
export type Announcement = z.infer<typeof announcementParams>['data'];

export function announcementOf(message: JsonRpcMessage): Announcement | undefined {
    if (message.method !== 'notifications/message') {
        return undefined;
    }
    const params = announcementParams.safeParse(message.params);
    return params.success ? params.data.data : undefined;
}

export function announcementsIn(messages: readonly JsonRpcMessage[]): Announcement[] {
    return messages.flatMap(message => announcementOf(message) ?? []);
}

export async function announce(client: McpClient, node: Endpoint, session: McpSession, text: string, count = 1): Promise<void> {
    const result = await client.callTool(node, session, 'announce', { text, count });
    if (result.isError) {
        throw new RequirementNotMetError(`Tool announce failed: ${result.text}`);
    }
}

/** Waits for an announcement with the given text; everything before it is taken too. */
export async function announced(stream: McpAnswer, text: string): Promise<void> {
    await stream.message(`announcement ${JSON.stringify(text.slice(0, 40))}`, message => announcementOf(message)?.text === text);
}

/** Opens the standalone stream. */
export async function listen(client: McpClient, node: Endpoint, session: McpSession, lastEventId?: string): Promise<McpAnswer> {
    return stream(await client.get(node, { session, lastEventId }));
}

/** Resumes a stream. */
export async function resume(client: McpClient, node: Endpoint, session: McpSession, lastEventId: string | undefined): Promise<McpAnswer> {
    if (lastEventId === undefined) {
        throw new RequirementNotMetError('There is no event id to resume from');
    }
    return listen(client, node, session, lastEventId);
}

async function stream(answer: McpAnswer): Promise<McpAnswer> {
    if (answer.status !== 200 || !answer.isEventStream) {
        const said = answer.isEventStream ? '' : (await answer.text()).slice(0, 300);
        throw new RequirementNotMetError(`${answer.describe()} should have been 200 with an event stream. It says: ${said}`);
    }
    return answer;
}

const abortedResult = z.looseObject({ node: z.string(), requestIds: z.array(z.union([z.string(), z.number()])) });

/** Ids of the session's `sleep` calls that were aborted, on whatever node they ran. */
export async function abortedAnywhere(client: McpClient, { nodes }: Deployment, session: McpSession): Promise<RequestId[]> {
    const lists = await Promise.all(
        nodes.map(async node => readJson(abortedResult, 'aborted', await client.callTool(node, session, 'aborted')).requestIds)
    );
    return lists.flat();
}

const pollIntervalMs = 50;

/** Waits until a `sleep` call was aborted. @throws {WaitedInVainError} */
export async function untilAborted(
    client: McpClient,
    deployment: Deployment,
    session: McpSession,
    id: RequestId,
    waitMs: number
): Promise<void> {
    const deadline = performance.now() + waitMs;
    while (!(await abortedAnywhere(client, deployment, session)).includes(id)) {
        if (performance.now() > deadline) {
            throw new WaitedInVainError(`the abort signal of request ${JSON.stringify(id)}`, waitMs);
        }
        await delay(pollIntervalMs);
    }
}

/** Lets time pass by the server's own clock: a call of tool `sleep` of the same session that takes as long. */
export async function letPass(client: McpClient, node: Endpoint, session: McpSession, ms: number): Promise<void> {
    await client.callTool(node, session, 'sleep', { ms });
}

import { setTimeout as delay } from 'node:timers/promises';
import type { DeployedNode } from '../../drivers/deployment.ts';
import { ConnectionFailedError, RequirementNotMetError, WaitedInVainError } from '../../errors.ts';
import { isResponse, type JsonRpcMessage, type RequestId } from '../../http/jsonRpcMessage.ts';
import type { McpAnswer } from '../../http/mcpAnswer.ts';
import type { McpSession } from '../../http/mcpClient.ts';
import type { CheckContext } from '../check.ts';
import { demand } from './demands.ts';
import { nodeAt, othersThan } from './nodes.ts';
import { announcementsIn, listen, resume, whoami } from './tools.ts';

/** Time that a server has to answer 503 when it can't reach its store, and some more for a busy machine. */
export const refusedWithinMs = 5_000 + 1_500;
/** Time that a server has to answer for a node that has died, and some more. */
export const orphanEndsWithinMs = 15_000 + 3_000;
/** Time that a server has to be well again. */
export const healedWithinMs = 15_000;
/** Time from SIGTERM to the end of the process, and some more. */
export const endsWithinMs = 15_000 + 1_000;

const pollMs = 100;

/** The node that runs what is asked of the given one, which may hand it on. */
export async function runnerBehind({ client, deployment }: CheckContext, node: DeployedNode, session: McpSession): Promise<DeployedNode> {
    const name = (await whoami(client, node, session)).node;
    const runner = deployment.nodes.find(({ id }) => id === name);
    if (runner === undefined) {
        throw new RequirementNotMetError(`${node.id} says that node ${name} runs its tools, and there is no such node`);
    }
    return runner;
}

/** A node other than the given one. */
export function otherThan({ deployment }: CheckContext, node: DeployedNode, index = 0): DeployedNode {
    const others = othersThan(deployment, node.id);
    return others[index % others.length] ?? nodeAt(deployment, 0);
}

/** Waits until a node serves a session; until then it may say that it can't, but not that there is no such session. */
export async function untilServed(
    { client, signal }: CheckContext,
    node: DeployedNode,
    session: McpSession,
    waitMs = healedWithinMs
): Promise<void> {
    const deadline = performance.now() + waitMs;
    for (;;) {
        const { answer } = await client.start(node, session, 'ping');
        const { status } = answer;
        await answer.close();
        if (status === 200) {
            return;
        }
        demand(
            status === 503,
            `${answer.describe()} came for a request of a session that lives; it should have been 200, or 503 for a while`
        );
        if (performance.now() > deadline) {
            throw new WaitedInVainError(`${node.id} to serve again`, waitMs);
        }
        await delay(pollMs, undefined, { signal });
    }
}

/** Waits until a node has noticed that it has no store. */
export async function untilRefused({ client, signal }: CheckContext, node: DeployedNode, session: McpSession): Promise<void> {
    const deadline = performance.now() + refusedWithinMs;
    for (;;) {
        const { answer } = await client.start(node, session, 'ping');
        await answer.close();
        if (answer.status === 503) {
            return;
        }
        if (performance.now() > deadline) {
            throw new RequirementNotMetError(`${answer.describe()} came from a node that has had no store for ${refusedWithinMs} ms`);
        }
        await delay(pollMs, undefined, { signal });
    }
}

/** What a client has got of a stream, over all of its connections. */
export interface Followed {
    readonly messages: readonly JsonRpcMessage[];
    readonly response: JsonRpcMessage;
}

/**
 * Waits for the response to a request whose stream may end before it, as a client does: resumes it at another node, again if need be.
 * @param waitMs longest wait for the response.
 */
export async function followToResponse(
    { client, signal }: CheckContext,
    session: McpSession,
    request: { readonly id: RequestId; readonly answer: McpAnswer },
    at: DeployedNode,
    waitMs: number
): Promise<Followed> {
    const deadline = performance.now() + waitMs;
    const connections = [request.answer];
    let lastEventId: string | undefined;
    for (let current = request.answer; ;) {
        await current.ended(Math.max(1, deadline - performance.now()));
        const messages = connections.flatMap(connection => connection.messages);
        const response = messages.find(message => isResponse(message) && message.id === request.id);
        if (response !== undefined) {
            return { messages, response };
        }
        if (performance.now() > deadline) {
            throw new WaitedInVainError(`the response to request ${JSON.stringify(request.id)}`, waitMs);
        }
        lastEventId = current.lastEventId ?? lastEventId;
        await delay(pollMs, undefined, { signal });
        current = await resume(client, at, session, lastEventId);
        connections.push(current);
    }
}

/** A client that listens on the standalone stream, and resumes it when it ends. */
export class Listener {
    private readonly context: CheckContext;
    private readonly session: McpSession;
    private readonly connections: McpAnswer[] = [];

    constructor(context: CheckContext, session: McpSession) {
        this.context = context;
        this.session = session;
    }

    get connection(): McpAnswer {
        const last = this.connections.at(-1);
        if (last === undefined) {
            throw new RequirementNotMetError('Nobody listens');
        }
        return last;
    }

    /** Opens the stream at a node, or goes on there with what was missed. */
    async at(node: DeployedNode): Promise<void> {
        const { client } = this.context;
        const lastEventId = this.connections.findLast(connection => connection.lastEventId !== undefined)?.lastEventId;
        await this.connections.at(-1)?.close();
        this.connections.push(await listen(client, node, this.session, lastEventId));
    }

    /** Texts and numbers of all announcements that have come. */
    get heard(): string[] {
        return announcementsIn(this.connections.flatMap(({ messages }) => messages)).map(({ text, i }) => `${text} ${i}`);
    }

    /** Waits until an announcement has come. */
    async until(text: string): Promise<void> {
        if (!announcementsIn(this.connection.messages).some(announcement => announcement.text === text)) {
            await this.connection.message(`announcement ${text}`, message =>
                announcementsIn([message]).some(announcement => announcement.text === text)
            );
        }
    }
}

/** Resolves to what an action resolves to, or to `undefined` if nobody answered. */
export async function unlessUnreachable<T>(action: () => Promise<T>): Promise<T | undefined> {
    try {
        return await action();
    } catch (error) {
        if (error instanceof ConnectionFailedError) {
            return undefined;
        }
        throw error;
    }
}

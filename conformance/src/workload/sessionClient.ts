import { setTimeout as delay } from 'node:timers/promises';
import { answerOf, askableCapabilities, progressOf, questionOn } from '../checks/support/tools.ts';
import type { Deployment } from '../drivers/deployment.ts';
import { ConnectionFailedError, RequirementNotMetError, WaitedInVainError } from '../errors.ts';
import { isResponse } from '../http/jsonRpcMessage.ts';
import type { McpAnswer } from '../http/mcpAnswer.ts';
import type { Endpoint, McpClient, NewSession, RunningRequest } from '../http/mcpClient.ts';
import { nodeAt } from '../checks/support/nodes.ts';
import type { SessionPlan, Step } from './plan.ts';

export interface SessionClientOptions {
    readonly deployment: Deployment;
    readonly client: McpClient;
    readonly plan: SessionPlan;
    /** Ends everything. */
    readonly signal: AbortSignal;
}

const retryMs = 150;
/** How long a client goes on asking for the response to a request that was cut off. */
const patienceMs = 30_000;
/** How long it goes on saying its last word. */
const lastWordMs = 10_000;
/** How long the whole of a call may take that nothing disturbs. */
const callMs = 6_000;
const cancelledSleep = { ms: 2_000, steps: 40 };

/** What a client says last, to know that it has heard everything before. */
const lastWord = 'the last word';

/**
 * Does what a plan says. What goes wrong is in the history and not thrown: whether it may go wrong is for the checkers to say. Requests
 * are sent once; streams that end too early are resumed.
 */
export class SessionClient {
    private readonly deployment: Deployment;
    private readonly client: McpClient;
    private readonly plan: SessionPlan;
    private readonly signal: AbortSignal;
    private lastHeardId: string | undefined;
    private listening: McpAnswer | undefined;
    private isOver = false;
    private hasLostPatience = false;

    constructor({ deployment, client, plan, signal }: SessionClientOptions) {
        this.deployment = deployment;
        this.client = client;
        this.plan = plan;
        this.signal = signal;
    }

    async run(): Promise<void> {
        const session = await this.open();
        const listener = this.listen(session);
        for (const step of this.plan.steps) {
            await this.attempt(() => this.take(step, session));
            // One request that never ends is enough to know, and each takes long.
            if (this.hasLostPatience) {
                break;
            }
        }
        if (!this.hasLostPatience && this.plan.steps.at(-1)?.kind !== 'delete') {
            await this.hearAll(session);
        }
        this.isOver = true;
        await this.listening?.close();
        await listener;
    }

    private node(index: number): Endpoint {
        return nodeAt(this.deployment, index);
    }

    /** Makes a session; there is nothing to be seen without one, so this is repeated. */
    private async open(): Promise<NewSession> {
        for (let turn = 0; ; turn++) {
            this.signal.throwIfAborted();
            const made = await this.attempt(() =>
                this.client.initialize(this.node(this.plan.maker + turn), { capabilities: askableCapabilities })
            );
            if (made !== undefined) {
                await this.attempt(() => this.client.notify(this.node(this.plan.maker + turn), made, 'notifications/initialized'));
                return made;
            }
            await delay(retryMs, undefined, { signal: this.signal });
        }
    }

    /** @returns `undefined` if it went wrong. */
    private async attempt<T>(action: () => Promise<T>): Promise<T | undefined> {
        try {
            return await action();
        } catch (error) {
            this.signal.throwIfAborted();
            const isRecorded =
                error instanceof WaitedInVainError || error instanceof ConnectionFailedError || error instanceof RequirementNotMetError;
            if (!isRecorded) {
                throw error;
            }
            return undefined;
        }
    }

    private async take(step: Step, session: NewSession): Promise<void> {
        const { client } = this;
        switch (step.kind) {
            case 'call':
                return this.finish(await client.startTool(this.node(step.node), session, 'whoami'), session, step.node);
            case 'sleep':
                return this.sleep(step, session);
            case 'cancel':
                return this.cancel(step, session);
            case 'ask':
                return this.ask(step, session);
            case 'announce': {
                const { text, count } = step;
                return this.finish(await client.startTool(this.node(step.node), session, 'announce', { text, count }), session, step.node);
            }
            case 'delete':
                return this.delete(step, session);
        }
    }

    private async sleep({ node, elsewhere, ms, steps, disconnect }: Step & { kind: 'sleep' }, session: NewSession): Promise<void> {
        const progressToken = `progress-${this.client.newRequestId()}`;
        const running = await this.client.startTool(this.node(node), session, 'sleep', { ms, steps }, { progressToken });
        if (disconnect) {
            await this.attempt(() => running.answer.message('progress', message => progressOf(message, progressToken) !== undefined));
            await running.answer.close();
        }
        await this.finish(running, session, elsewhere);
    }

    private async cancel({ node, elsewhere }: Step & { kind: 'cancel' }, session: NewSession): Promise<void> {
        const progressToken = `progress-${this.client.newRequestId()}`;
        const running = await this.client.startTool(this.node(node), session, 'sleep', cancelledSleep, { progressToken });
        await this.attempt(() => running.answer.message('progress', message => progressOf(message, progressToken) !== undefined));
        await this.attempt(() => this.client.notify(this.node(elsewhere), session, 'notifications/cancelled', { requestId: running.id }));
        await this.attempt(() => running.answer.ended(callMs));
        await running.answer.close();
    }

    private async ask({ node, elsewhere, text }: Step & { kind: 'ask' }, session: NewSession): Promise<void> {
        const running = await this.client.startTool(this.node(node), session, 'ask', { kind: 'elicitation', text, timeoutMs: 3_000 });
        const question = await this.attempt(() => questionOn(running.answer));
        if (question !== undefined) {
            await this.attempt(() => this.client.reply(this.node(elsewhere), session, question.id, answerOf('elicitation', `re: ${text}`)));
        }
        await this.finish(running, session, elsewhere);
    }

    private async delete({ node, elsewhere }: Step & { kind: 'delete' }, session: NewSession): Promise<void> {
        this.isOver = true;
        await this.attempt(() => this.client.delete(this.node(node), { session }));
        const late = await this.attempt(() => this.client.start(this.node(elsewhere), session, 'ping'));
        await late?.answer.close();
    }

    /** Waits for a response, on whatever stream it comes. */
    private async finish(running: RunningRequest, session: NewSession, node: number): Promise<void> {
        const deadline = performance.now() + patienceMs;
        let { answer } = running;
        let { lastEventId } = answer;
        for (let turn = 0; ; turn++) {
            await this.attempt(() => answer.ended(Math.max(1, deadline - performance.now())));
            lastEventId = answer.lastEventId ?? lastEventId;
            const isAnswered = answer.messages.some(message => isResponse(message) && message.id === running.id);
            if (isAnswered || lastEventId === undefined || performance.now() > deadline) {
                this.hasLostPatience ||= !isAnswered && performance.now() > deadline;
                await answer.close();
                return;
            }
            if (turn > 0) {
                await delay(retryMs, undefined, { signal: this.signal });
            }
            const resumed = await this.attempt(() => this.client.get(this.node(node + turn), { session, lastEventId }));
            answer = resumed ?? answer;
            if (resumed !== undefined && resumed.status >= 400 && resumed.status < 500) {
                return;
            }
        }
    }

    private async listen(session: NewSession): Promise<void> {
        for (let turn = 0; !this.isOver && !this.signal.aborted; turn++) {
            const node = this.node(this.plan.listens[turn % this.plan.listens.length] ?? 0);
            const { lastHeardId } = this;
            const stream = await this.attempt(() => this.client.get(node, { session, lastEventId: lastHeardId })).catch(() => undefined);
            this.listening = stream;
            if (this.isOver) {
                await stream?.close();
            }
            while (stream !== undefined && stream.end === undefined && !this.signal.aborted) {
                await this.attempt(() => stream.next()).catch(() => undefined);
            }
            this.lastHeardId = stream?.lastEventId ?? lastHeardId;
            await delay(retryMs);
        }
    }

    /** Announces something until it was heard: all that came before it has arrived then. */
    private async hearAll(session: NewSession): Promise<void> {
        const deadline = performance.now() + lastWordMs;
        for (let turn = 0; performance.now() < deadline; turn++) {
            const text = `${lastWord} of ${session.id}`;
            const said = await this.attempt(() => this.client.callTool(this.node(turn), session, 'announce', { text: `${text}, ${turn}` }));
            for (let wait = 0; said !== undefined && wait < 20; wait++) {
                if (this.listening?.messages.some(message => JSON.stringify(message).includes(`${text}, ${turn}`)) === true) {
                    return;
                }
                await delay(retryMs, undefined, { signal: this.signal });
            }
        }
    }
}

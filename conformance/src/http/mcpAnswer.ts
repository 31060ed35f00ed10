import { createParser } from 'eventsource-parser';
import type { Dispatcher } from 'undici';
import { describeError, RequirementNotMetError, WaitedInVainError } from '../errors.ts';
import type { Recorder } from '../history/recorder.ts';
import { isResponse, type JsonRpcMessage, parseMessages, type RequestId } from './jsonRpcMessage.ts';

/** Something that came on an event stream, or as the body of a JSON answer. */
export interface Arrival {
    /** Absent on events that carry only an id, and on answers that aren't JSON-RPC. */
    readonly message?: JsonRpcMessage;
    /** The `id` field of the event. */
    readonly eventId?: string | undefined;
}

/** How the body of an answer ended. */
export interface AnswerEnd {
    /** `failed`: the connection broke. `closed-by-client`: {@link McpAnswer.close} was called. */
    readonly outcome: 'ok' | 'failed' | 'closed-by-client';
    readonly reason?: string;
}

export interface AnswerContext {
    readonly op: number;
    /** Method and node, for messages. */
    readonly request: string;
    readonly recorder: Recorder;
    /** Ends the connection. */
    readonly abort: () => void;
    /** Whether this side has ended the connection, here or by closing the client. */
    readonly isAborted: () => boolean;
    /** How long to wait for something unless told otherwise, in milliseconds. */
    readonly waitMs: number;
    readonly onend: () => void;
}

/**
 * The answer to one HTTP request. Its body is read as it comes, whether or not somebody waits for it, so nothing is lost and the
 * history has the time of each arrival.
 */
export class McpAnswer {
    readonly op: number;
    readonly status: number;
    readonly headers: Dispatcher.ResponseData['headers'];
    private readonly context: AnswerContext;
    private readonly arrived: Arrival[] = [];
    private taken = 0;
    private body = '';
    private finished: AnswerEnd | undefined;
    private problem: Error | undefined;
    private retry: number | undefined;
    private waiting: (() => void)[] = [];

    constructor({ statusCode, headers, body }: Dispatcher.ResponseData, context: AnswerContext) {
        this.op = context.op;
        this.status = statusCode;
        this.headers = headers;
        this.context = context;
        const reading = this.isEventStream ? this.readEvents(body) : this.readBody(body);
        reading.then(
            () => this.finish({ outcome: 'ok' }),
            (error: unknown) =>
                this.finish({ outcome: this.context.isAborted() ? 'closed-by-client' : 'failed', reason: describeError(error) })
        );
    }

    header(name: string): string | undefined {
        const value = this.headers[name];
        return Array.isArray(value) ? value.join(', ') : value;
    }

    /** The `x-node-id` header: which node has answered. Absent if a proxy answered by itself. */
    get nodeId(): string | undefined {
        return this.header('x-node-id');
    }

    get isEventStream(): boolean {
        return this.header('content-type')?.startsWith('text/event-stream') ?? false;
    }

    /** Set when the body has ended, whatever the reason. */
    get end(): AnswerEnd | undefined {
        return this.finished;
    }

    /** Everything that has come so far, taken with {@link next} or not. */
    get arrivals(): readonly Arrival[] {
        return this.arrived;
    }

    /** Messages that have come so far. */
    get messages(): readonly JsonRpcMessage[] {
        return this.arrived.flatMap(({ message }) => message ?? []);
    }

    /** Id of the last event, to resume from. */
    get lastEventId(): string | undefined {
        return this.arrived.findLast(({ eventId }) => eventId !== undefined)?.eventId;
    }

    /** The last `retry` field of the event stream, in milliseconds. */
    get retryMs(): number | undefined {
        return this.retry;
    }

    /**
     * What comes next; `undefined` when the body has ended, however.
     * @throws {WaitedInVainError} if nothing comes in time. {RequirementNotMetError} if what comes is no JSON-RPC.
     */
    async next(waitMs = this.context.waitMs): Promise<Arrival | undefined> {
        await this.until('anything', () => this.taken < this.arrived.length, waitMs);
        return this.arrived[this.taken] === undefined ? undefined : this.arrived[this.taken++];
    }

    /**
     * Takes arrivals up to the first message that fits.
     * @param what is waited for, for the error.
     * @throws {WaitedInVainError} if it does not come in time. {RequirementNotMetError} if the body ends before it.
     */
    async message(what: string, fits: (message: JsonRpcMessage) => boolean, waitMs = this.context.waitMs): Promise<JsonRpcMessage> {
        return (await this.arrival(what, arrival => arrival.message !== undefined && fits(arrival.message), waitMs)).message ?? never();
    }

    /** Like {@link message}, for events of which something else matters too. */
    async arrival(what: string, fits: (arrival: Arrival) => boolean, waitMs = this.context.waitMs): Promise<Arrival> {
        const deadline = performance.now() + waitMs;
        for (;;) {
            await this.until(what, () => this.taken < this.arrived.length, deadline - performance.now(), waitMs);
            const arrival = this.arrived[this.taken];
            if (arrival === undefined) {
                const said = this.body === '' ? '' : `: ${this.body.slice(0, 300)}`;
                throw new RequirementNotMetError(`${this.describe()} ended (${this.describeEnd()}) without ${what}${said}`);
            }
            this.taken++;
            if (fits(arrival)) {
                return arrival;
            }
        }
    }

    /** The response to a request; arrivals before it are taken. */
    response(id: RequestId, waitMs = this.context.waitMs): Promise<JsonRpcMessage> {
        return this.message(`the response to request ${JSON.stringify(id)}`, message => isResponse(message) && message.id === id, waitMs);
    }

    /** Waits until the body has ended. @throws {WaitedInVainError} */
    async ended(waitMs = this.context.waitMs): Promise<AnswerEnd> {
        await this.until('its end', () => false, waitMs);
        return this.finished ?? never();
    }

    /** The whole body as text, when it has ended. Empty for event streams. */
    async text(waitMs = this.context.waitMs): Promise<string> {
        await this.ended(waitMs);
        return this.body;
    }

    /** Ends the connection, as a client does that goes away. Resolves when it has ended. */
    async close(): Promise<void> {
        if (this.finished === undefined) {
            this.context.abort();
            await this.ended();
        }
    }

    /** Who answered what, for messages. */
    describe(): string {
        return `The answer to ${this.context.request} (status ${this.status})`;
    }

    private describeEnd(): string {
        const { outcome = 'still open', reason } = this.finished ?? {};
        return reason === undefined ? outcome : `${outcome}: ${reason}`;
    }

    private async readEvents(body: Dispatcher.ResponseData['body']): Promise<void> {
        const parser = createParser({
            onEvent: ({ id, data }) => this.receive(data, id),
            onRetry: milliseconds => {
                this.retry = milliseconds;
            }
        });
        for await (const chunk of body.setEncoding('utf8')) {
            parser.feed(String(chunk));
        }
    }

    private async readBody(body: Dispatcher.ResponseData['body']): Promise<void> {
        this.body = await body.text();
        if (this.header('content-type')?.startsWith('application/json')) {
            this.receive(this.body, undefined);
        }
    }

    private receive(text: string, eventId: string | undefined): void {
        if (text === '') {
            this.arrived.push({ eventId });
            this.wake();
            return;
        }
        try {
            for (const message of parseMessages(text)) {
                this.context.recorder.record({ type: 'message', op: this.op, message, ...(eventId === undefined ? {} : { eventId }) });
                this.arrived.push({ message, eventId });
            }
        } catch (cause) {
            // Refusals may say what they like, as long as nobody takes them for an answer.
            if (this.status < 300) {
                this.problem = new RequirementNotMetError(`${this.describe()} holds what is no JSON-RPC: ${text.slice(0, 200)}`, { cause });
            }
        }
        this.wake();
    }

    private finish(end: AnswerEnd): void {
        this.finished = end;
        this.context.recorder.record({ type: 'complete', op: this.op, ...end });
        this.context.onend();
        this.wake();
    }

    private wake(): void {
        for (const resolve of this.waiting.splice(0)) {
            resolve();
        }
    }

    /** Resolves when the condition holds or the body has ended. */
    private async until(what: string, condition: () => boolean, waitMs: number, shownMs = waitMs): Promise<void> {
        const deadline = performance.now() + waitMs;
        while (!condition() && this.finished === undefined) {
            this.throwProblem();
            const remaining = deadline - performance.now();
            if (remaining <= 0) {
                throw new WaitedInVainError(`${what} in ${this.describe().replace(/^The/, 'the')}`, shownMs);
            }
            await new Promise<void>(resolve => {
                const timer = setTimeout(resolve, remaining);
                this.waiting.push(() => {
                    clearTimeout(timer);
                    resolve();
                });
            });
        }
        this.throwProblem();
    }

    private throwProblem(): void {
        if (this.problem !== undefined) {
            throw this.problem;
        }
    }
}

function never(): never {
    throw new Error('This is not possible');
}

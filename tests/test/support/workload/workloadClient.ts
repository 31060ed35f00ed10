import { accepted, cancel, reply, toolCall } from '../clientMessages.ts';
import { begin, call, get, isFinal, post, toolResult, type WireAnswer, type WireMessage } from '../mcpRequests.ts';
import { Listener } from './listener.ts';
import type { Nodes } from './nodes.ts';
import type { Random } from './random.ts';

const version = '2025-11-25';

/** What became of a call: its messages up to the response, or those that came before everything was lost. */
interface Outcome {
    readonly messages: readonly WireMessage[];
    readonly response: WireMessage | undefined;
}

/** One client with one session, which does random things and checks what it gets. */
export class WorkloadClient {
    /** What this client saw that must not happen. */
    readonly violations: string[] = [];
    /** How often it did what, for the report. */
    readonly done: Record<string, number> = {};
    private readonly random: Random;
    private readonly nodes: Nodes;
    private readonly session: string;
    private readonly listener: Listener;
    /** Announcements: text and count, and whether the call that made them was answered. */
    private readonly announced: { readonly text: string; readonly count: number; readonly answered: boolean }[] = [];
    private lastNumber = 0;

    private constructor(random: Random, nodes: Nodes, session: string) {
        this.random = random;
        this.nodes = nodes;
        this.session = session;
        this.listener = new Listener(nodes, session, what => this.violate(what));
    }

    static async start(random: Random, nodes: Nodes): Promise<WorkloadClient> {
        const beginning = async (): Promise<string> => {
            for (;;) {
                try {
                    let session = '';
                    await nodes.request(async url => {
                        session = await begin(url, { version });
                        return post(url, { jsonrpc: '2.0', id: 'ping', method: 'ping' }, { session, version });
                    });
                    return session;
                } catch (error) {
                    if (!nodes.mayBeDown) {
                        throw error;
                    }
                }
            }
        };
        return new WorkloadClient(random, nodes, await beginning());
    }

    /** Does a number of random things, up to three of them at a time. */
    async work(operations: number): Promise<void> {
        for (let left = operations; left > 0;) {
            const together = Math.min(left, this.random.between(1, 3));
            left -= together;
            await Promise.all(Array.from({ length: together }, () => this.act()));
        }
    }

    /** Waits for what must still come, checks what was announced, and ends the session. */
    async finish(): Promise<void> {
        let last: string;
        do {
            last = this.name('last');
        } while (!(await this.announce(last, 1)));
        await this.listener.hears(last);
        await this.listener.stop();
        this.checkAnnouncements();
        const events = this.listener.heard.map(({ eventId }) => eventId);
        if (new Set(events).size !== events.length) {
            this.violate('an event of the standalone stream came twice');
        }
    }

    private act(): Promise<unknown> {
        const [name, action] = this.random.oneOf<[string, () => Promise<unknown>]>([
            ['whoami', () => this.askWhoAmI()],
            ['ask', () => this.answerQuestion()],
            ['announce', () => this.announce(this.name('news'), this.random.between(1, 5))],
            ['progress', () => this.followProgress()],
            ['cancel', () => this.cancelCall()],
            ['batch', () => this.sendBatch()],
            ['drop', () => Promise.resolve(this.listener.drop())]
        ]);
        this.done[name] = (this.done[name] ?? 0) + 1;
        return action();
    }

    private async askWhoAmI(): Promise<void> {
        const { response } = await this.complete(await this.send('whoami', {}));
        if (response && this.isResult(response, 'whoami')) {
            this.expectOwn(toolResult(response));
        }
    }

    private async answerQuestion(): Promise<void> {
        const text = this.name('question');
        const stream = await this.send('ask', { text });
        const { response } = await this.complete(stream, async message => {
            if (message.method !== 'elicitation/create') {
                return;
            }
            if (message.params?.['message'] !== text) {
                this.violate(`the question ${JSON.stringify(message.params)} came with the call that asks ${text}`);
            }
            const answer = accepted(message.id, `re: ${text}`);
            const { status } = await this.nodes.request(url => reply(url, this.session, answer, { version }));
            if (status !== 202 && !(this.nodes.mayDie && status === 410)) {
                this.violate(`a reply was answered ${status}`);
            }
        });
        if (response && this.isResult(response, 'ask')) {
            const result = toolResult(response);
            if (!JSON.stringify(result).includes(`"re: ${text}"`)) {
                this.violate(`the answer to ${text} became ${JSON.stringify(result)}`);
            }
        }
    }

    /** @returns whether the call was answered. */
    private async announce(text: string, count: number): Promise<boolean> {
        const { response } = await this.complete(await this.send('announce', { text, count }));
        const answered = response !== undefined && this.isResult(response, 'announce');
        this.announced.push({ text, count, answered });
        return answered;
    }

    private async followProgress(): Promise<void> {
        const steps = this.random.between(1, 40);
        const progressToken = this.name('token');
        const { messages, response } = await this.complete(await this.send('progress', { steps }, progressToken));
        const seen = messages.flatMap(message => (message.method === 'notifications/progress' ? [message.params] : []));
        if (seen.some(params => params?.['progressToken'] !== progressToken)) {
            this.violate("progress of another call came in a call's stream");
        }
        const wanted = response?.result ? steps : seen.length;
        const numbers = seen.map(params => params?.['progress']);
        if (numbers.length !== wanted || numbers.some((number, index) => number !== index + 1)) {
            this.violate(`of ${steps} steps of progress these came: ${numbers.join(' ')}`);
        }
        if (response) {
            this.isResult(response, 'progress');
        }
    }

    private async cancelCall(): Promise<void> {
        const id = this.name('call');
        const stream = await this.nodes.tryRequest(url => call(url, this.session, 'hold', { gate: id }, { id, version }));
        if (stream === undefined || (await stream.next().catch(() => undefined)) === undefined) {
            return;
        }
        const { status } = await this.nodes.request(url => cancel(url, this.session, id, { version }));
        if (status !== 202) {
            this.violate(`a cancellation was answered ${status}`);
        }
        const late = await stream.all();
        if (late.some(({ message }) => message && isFinal(message))) {
            this.violate('a cancelled call was answered');
        }
    }

    private async sendBatch(): Promise<void> {
        const ids = [this.name('one'), this.name('two')];
        const batch = ids.map(id => toolCall(id, 'whoami'));
        // The revision that has batches. The session is the same.
        const answer = await this.nodes.tryRequest(url => post(url, batch, { session: this.session, version: '2025-03-26' }));
        if (answer === undefined) {
            return;
        }
        const responses = (await answer.all()).flatMap(({ message }) => (message ? [message] : []));
        responses.forEach(message => this.expectOwn(toolResult(message)));
        const answered = responses.map(({ id }) => String(id)).sort();
        if (answered.join() !== ids.sort().join() && !this.nodes.mayDie) {
            this.violate(`a batch of ${ids.join()} was answered for ${answered.join()}`);
        }
    }

    /** Calls a tool at some node. @returns `undefined` if nobody knows whether it runs. */
    private async send(tool: string, args: object, progressToken?: string): Promise<WireAnswer | undefined> {
        const id = this.name('call');
        const options = { id, version, ...(progressToken === undefined ? {} : { progressToken }) };
        const answer = await this.nodes.tryRequest(url => call(url, this.session, tool, args, options));
        if (answer && answer.status !== 200) {
            this.violate(`${tool} was answered ${answer.status}: ${JSON.stringify(await answer.json())}`);
            return undefined;
        }
        return answer;
    }

    /** Reads a stream up to the response of its call, with connections that are lost now and then, each time at another node. */
    private async complete(
        first: WireAnswer | undefined,
        onmessage: (message: WireMessage) => Promise<void> = () => Promise.resolve()
    ): Promise<Outcome> {
        const messages: WireMessage[] = [];
        let stream = first;
        let lastEventId: string | undefined;
        while (stream) {
            let patience = this.random.between(1, 30);
            for (;;) {
                const event = await stream.next().catch(() => undefined);
                if (event === undefined) {
                    break;
                }
                lastEventId = event.id;
                if (event.message) {
                    messages.push(event.message);
                    if (isFinal(event.message)) {
                        await this.expectNothingMore(stream);
                        return { messages, response: event.message };
                    }
                    await onmessage(event.message);
                }
                if (--patience === 0) {
                    break;
                }
            }
            stream.disconnect();
            if (lastEventId === undefined) {
                break;
            }
            const { session } = this;
            const resumeFrom = lastEventId;
            stream = await this.nodes.request(url => get(url, { session, version, lastEventId: resumeFrom }));
            if (stream.status !== 200) {
                this.violate(`a stream could not be resumed: ${stream.status} ${JSON.stringify(await stream.json())}`);
                break;
            }
        }
        if (first ? !this.nodes.mayDie : !this.nodes.mayBeDown) {
            this.violate('a call was never answered');
        }
        return { messages, response: undefined };
    }

    private async expectNothingMore(stream: WireAnswer): Promise<void> {
        const more = await stream.all();
        if (more.some(({ message }) => message !== undefined)) {
            this.violate('something came after the response');
        }
    }

    private isResult(response: WireMessage, tool: string): boolean {
        if (response.result && response.result['isError'] !== true) {
            return true;
        }
        const isExcused = this.nodes.mayDie && (response.error?.message.includes('server process') === true || tool === 'ask');
        if (!isExcused) {
            this.violate(`${tool} failed: ${JSON.stringify(response)}`);
        }
        return false;
    }

    private expectOwn(result: unknown): void {
        if (!(typeof result === 'object' && result !== null && 'sessionId' in result && result.sessionId === this.session)) {
            this.violate(`a result of another session came: ${JSON.stringify(result)}`);
        }
    }

    private checkAnnouncements(): void {
        const heard = new Map<string, number[]>();
        for (const { text, i } of this.listener.heard) {
            heard.set(text, [...(heard.get(text) ?? []), i]);
        }
        for (const { text, count, answered } of this.announced) {
            const numbers = heard.get(text) ?? [];
            heard.delete(text);
            const isInOrder = numbers.every((number, index) => number === index);
            if (!isInOrder || (answered ? numbers.length !== count : numbers.length > count)) {
                this.violate(
                    `of ${count} announcements ${text} (${answered ? 'answered' : 'not answered'}) these came: ${numbers.join(' ')}`
                );
            }
        }
        for (const text of heard.keys()) {
            this.violate(`an announcement came that this session has not made: ${text}`);
        }
    }

    /** A text that is nobody else's. */
    private name(what: string): string {
        return `${what} ${++this.lastNumber} of ${this.session}`;
    }

    private violate(what: string): void {
        this.violations.push(`session ${this.session}: ${what}`);
    }
}

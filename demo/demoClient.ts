import { Client } from '@modelcontextprotocol/sdk-upstream/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk-upstream/client/streamableHttp.js';
import { ElicitRequestSchema, LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk-upstream/types.js';

/** A log message of the server. */
export interface LogMessage {
    readonly level: string;
    /** The node that sent it. */
    readonly node: string;
}

/** The client of the unmodified SDK, with a user who is called Ada. */
export class DemoClient {
    readonly client = new Client({ name: 'demo-client', version: '1.0.0' }, { capabilities: { elicitation: { form: {} } } });
    readonly transport: StreamableHTTPClientTransport;
    /** Called when the server has asked the user something, before the user answers. */
    onquestion: () => void = () => undefined;
    private log: LogMessage[] = [];
    private onlog: () => void = () => undefined;

    constructor(url: URL) {
        this.transport = new StreamableHTTPClientTransport(url, {
            fetch: pressOn,
            // One attempt to get a lost stream back, so that a refusal is final and the next step begins in peace.
            reconnectionOptions: {
                initialReconnectionDelay: 100,
                maxReconnectionDelay: 100,
                reconnectionDelayGrowFactor: 1,
                maxRetries: 1
            }
        });
        this.client.setRequestHandler(ElicitRequestSchema, () => {
            this.onquestion();
            return { action: 'accept', content: { name: 'Ada' } };
        });
        this.client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
            this.log.push({ level: params.level, node: String(params.data) });
            this.onlog();
        });
    }

    /** Waits for log messages until the condition holds. @returns the messages that came since the last call. */
    async logged(condition: (messages: readonly LogMessage[]) => boolean): Promise<readonly LogMessage[]> {
        while (!condition(this.log)) {
            await new Promise<void>(resolve => (this.onlog = resolve));
        }
        const messages = this.log;
        this.log = [];
        return messages;
    }

    /** Forgets the log messages that have come. */
    beginStep(): void {
        this.log = [];
        this.onlog = () => undefined;
    }

    /** Calls a tool. @returns the text of its result. @throws {Error} if the call fails. */
    async call(name: string, args: Record<string, unknown> = {}, options: CallOptions = {}): Promise<string> {
        const { content, isError } = await this.client.callTool({ name, arguments: args }, undefined, options);
        const first: unknown = Array.isArray(content) ? content[0] : undefined;
        const text = typeof first === 'object' && first !== null && 'text' in first ? String(first.text) : '';
        if (isError) {
            throw new Error(text);
        }
        return text;
    }

    close(): Promise<void> {
        return this.client.close();
    }
}

export interface CallOptions {
    readonly onprogress?: (step: { readonly progress: number }) => void;
    readonly signal?: AbortSignal;
}

/**
 * The client gives up when `notifications/initialized` is refused, and there would be no more to see. So it is kept from noticing; the
 * demo knows it from the proxy.
 */
const pressOn: typeof fetch = async (input, init) => {
    const response = await fetch(input, init);
    const isInitialized = typeof init?.body === 'string' && init.body.includes('"notifications/initialized"');
    return isInitialized && !response.ok ? new Response(null, { status: 202 }) : response;
};

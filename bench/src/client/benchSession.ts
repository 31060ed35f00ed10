import { field } from '../json.ts';
import { type Connection, PROTOCOL_VERSION } from './connection.ts';

/** A server gave another answer than the one that was due; what is measured then is worth nothing. */
export class WrongAnswerError extends Error {
    constructor(what: string, got: unknown) {
        super(`${what}: got ${JSON.stringify(got)}`);
        this.name = 'WrongAnswerError';
    }
}

let lastText = 0;

/** A session, from the client's side. It may talk to another node with every request. */
export class BenchSession {
    readonly id: string;
    private lastId = 0;

    private constructor(id: string) {
        this.id = id;
    }

    /** Sends `initialize` and `notifications/initialized`. */
    static async begin(connection: Connection): Promise<BenchSession> {
        const params = {
            protocolVersion: PROTOCOL_VERSION,
            capabilities: { elicitation: {} },
            clientInfo: { name: 'bench', version: '1' }
        };
        const answer = await connection.post({ jsonrpc: '2.0', id: 0, method: 'initialize', params }, undefined);
        if (answer.status !== 200 || answer.sessionId === undefined) {
            throw new WrongAnswerError('initialize', answer);
        }
        const session = new BenchSession(answer.sessionId);
        const confirmed = await connection.post({ jsonrpc: '2.0', method: 'notifications/initialized' }, session.id);
        if (confirmed.status !== 202) {
            throw new WrongAnswerError('notifications/initialized', confirmed);
        }
        return session;
    }

    /** Calls the tool `echo`, and looks whether the answer is the one to this very call. */
    async echo(connection: Connection): Promise<void> {
        const text = `text ${++lastText}`;
        const message = this.call('echo', { text });
        const answer = await connection.post(message, this.id);
        const response = responseIn(answer.body, message.id);
        if (answer.status !== 200 || textOf(response) !== text) {
            throw new WrongAnswerError(`echo of "${text}"`, answer);
        }
    }

    /** The message that calls a tool. */
    call(
        name: string,
        args: object = {}
    ): { readonly jsonrpc: '2.0'; readonly id: number; readonly method: string; readonly params: object } {
        return { jsonrpc: '2.0', id: ++this.lastId, method: 'tools/call', params: { name, arguments: args } };
    }

    async end(connection: Connection): Promise<void> {
        const status = await connection.delete(this.id);
        if (status !== 200) {
            throw new WrongAnswerError('DELETE', status);
        }
    }
}

/** The response with an id in a body of JSON or of events. */
export function responseIn(body: string, id: number): unknown {
    const messages = body.startsWith('{') ? [parse(body)] : eventsIn(body);
    return messages.find(message => field(message, 'id') === id && field(message, 'method') === undefined);
}

/** The messages of the events in a text. */
export function eventsIn(text: string): unknown[] {
    return text
        .split('\n')
        .filter(line => line.startsWith('data: {'))
        .map(line => parse(line.slice('data: '.length)));
}

/** The text that a tool has returned. */
function textOf(response: unknown): unknown {
    return field(field(field(field(response, 'result'), 'content'), 0), 'text');
}

function parse(text: string): unknown {
    return JSON.parse(text);
}

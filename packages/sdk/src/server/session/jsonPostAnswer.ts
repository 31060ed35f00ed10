import type { HttpExchange } from '../http/httpExchange.js';
import { JsonAnswer } from '../http/jsonAnswer.js';
import { REFUSED } from '../http/refusal.js';
import type { RequestId } from '../http/sdk.js';
import type { PostAnswer } from './postAnswer.js';
import type { Response } from './sessionTransport.js';

/** Answers a POST with one JSON document. */
export class JsonPostAnswer implements PostAnswer {
    readonly unanswered: Set<RequestId>;
    readonly streamId = undefined;
    private readonly json: JsonAnswer;
    private readonly ondone: () => void;

    constructor(exchange: HttpExchange, headers: Readonly<Record<string, string>>, requestIds: readonly RequestId[], ondone: () => void) {
        this.unanswered = new Set(requestIds);
        this.json = new JsonAnswer(exchange, headers, requestIds);
        this.ondone = ondone;
    }

    respond(response: Response): void {
        if (response.id !== undefined && this.unanswered.delete(response.id) && this.json.settle(response)) {
            this.ondone();
        }
    }

    /** There is one document for all; the SDK's JSON mode drops what can't be part of it. */
    sendRelated(): boolean {
        return false;
    }

    /** The HTTP request must be answered all the same. */
    cancel(id: RequestId): void {
        this.respond({ jsonrpc: '2.0', id, error: { code: REFUSED, message: 'Request cancelled' } });
    }

    fail(code: number, message: string): void {
        for (const id of this.unanswered) {
            this.respond({ jsonrpc: '2.0', id, error: { code, message } });
        }
    }

    detach(): boolean {
        return true;
    }

    flushed(): Promise<void> {
        return Promise.resolve();
    }
}

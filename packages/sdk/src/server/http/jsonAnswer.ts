import type { HttpExchange } from './httpExchange.js';
import { refuse, type Refusal } from './refusal.js';
import type { JSONRPCErrorResponse, JSONRPCResultResponse, RequestId } from './sdk.js';

type Response = JSONRPCResultResponse | JSONRPCErrorResponse;

/** Answers a POST with JSON as soon as each of its requests has a response: one object for one request, an array for several. */
export class JsonAnswer {
    /** Requests of the POST, without repetitions. */
    readonly requestIds: RequestId[];
    private readonly headers: Readonly<Record<string, string>>;
    /** Responses, in the order of the requests. */
    private responses: (Response | undefined)[];
    private missing: number;
    private exchange: HttpExchange | undefined;

    /** @param headers go with the answer, besides its content type. */
    constructor(exchange: HttpExchange, headers: Readonly<Record<string, string>>, requestIds: readonly RequestId[]) {
        this.exchange = exchange;
        this.headers = headers;
        this.requestIds = requestIds.length === 1 ? [...requestIds] : [...new Set(requestIds)];
        this.responses = Array.from({ length: this.requestIds.length });
        this.missing = this.requestIds.length;
    }

    /** Whether the POST is yet to be answered from here. */
    get isPending(): boolean {
        return this.exchange !== undefined;
    }

    /** @returns whether this was the last response and the POST is answered, unless it was abandoned. */
    settle(response: Response): boolean {
        const index = response.id === undefined ? -1 : this.requestIds.indexOf(response.id);
        if (index < 0 || this.responses[index] !== undefined) {
            return false;
        }
        this.responses[index] = response;
        if (--this.missing > 0) {
            return false;
        }
        const body = this.responses.length === 1 ? response : this.responses;
        this.exchange?.respond(200, { 'Content-Type': 'application/json', ...this.headers }, JSON.stringify(body));
        this.exchange = undefined;
        return true;
    }

    /** The response to this request will go elsewhere, and is left out here. */
    leaveToAnother(id: RequestId): void {
        const index = this.requestIds.indexOf(id);
        if (index !== -1 && this.responses[index] === undefined) {
            this.requestIds.splice(index, 1);
            this.responses.splice(index, 1);
            this.missing--;
        }
    }

    /** Answers nothing any more, and lets go of the HTTP exchange. */
    abandon(): void {
        this.exchange = undefined;
    }

    /** Answers the POST with a refusal in place of responses. */
    refuse(refusal: Refusal): void {
        if (this.exchange !== undefined) {
            refuse(this.exchange, refusal);
            this.exchange = undefined;
        }
    }
}

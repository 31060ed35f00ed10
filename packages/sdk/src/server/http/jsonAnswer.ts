import type { HttpExchange } from './httpExchange.js';
import { refuse, type Refusal } from './refusal.js';
import type { JSONRPCErrorResponse, JSONRPCResultResponse, RequestId } from './sdk.js';

type Response = JSONRPCResultResponse | JSONRPCErrorResponse;

/** Answers a POST with JSON as soon as each of its requests has a response: one object for one request, an array for several. */
export class JsonAnswer {
    readonly requestIds: readonly RequestId[];
    private readonly headers: Readonly<Record<string, string>>;
    private readonly responses = new Map<RequestId, Response | undefined>();
    private exchange: HttpExchange | undefined;
    private missing: number;

    /** @param headers go with the answer, besides its content type. */
    constructor(exchange: HttpExchange, headers: Readonly<Record<string, string>>, requestIds: readonly RequestId[]) {
        this.exchange = exchange;
        this.headers = headers;
        this.requestIds = requestIds;
        for (const id of requestIds) {
            this.responses.set(id, undefined);
        }
        this.missing = this.responses.size;
    }

    /** Whether the POST will not be answered from here. */
    get isAbandoned(): boolean {
        return this.exchange === undefined;
    }

    /** @returns whether this was the last response and the POST is answered, unless it was abandoned. */
    settle(response: Response): boolean {
        const id = response.id;
        if (id === undefined || !this.responses.has(id) || this.responses.get(id) !== undefined) {
            return false;
        }
        this.responses.set(id, response);
        if (--this.missing > 0) {
            return false;
        }
        const body = this.responses.size === 1 ? response : [...this.responses.values()];
        this.exchange?.respond(200, { 'Content-Type': 'application/json', ...this.headers }, JSON.stringify(body));
        return true;
    }

    /** The response to this request will go elsewhere, and is left out here. */
    leaveToAnother(id: RequestId): void {
        if (this.responses.has(id) && this.responses.get(id) === undefined) {
            this.responses.delete(id);
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

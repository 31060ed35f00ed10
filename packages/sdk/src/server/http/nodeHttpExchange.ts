import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuthInfo, RequestInfo } from './sdk.js';
import { DEFAULT_MAX_BUFFERED_BYTES, type EventStreamSink, type HttpExchange } from './httpExchange.js';

/** {@link HttpExchange} on Node's own request and response: no `Request`, `Response` or web stream is made. */
export class NodeHttpExchange implements HttpExchange {
    readonly method: string;
    readonly authInfo: AuthInfo | undefined;
    readonly parsedBody: unknown;
    private readonly request: IncomingMessage;
    private readonly response: ServerResponse;

    constructor(request: IncomingMessage & { auth?: AuthInfo | undefined }, response: ServerResponse, parsedBody?: unknown) {
        this.method = request.method ?? 'GET';
        this.authInfo = request.auth;
        this.parsedBody = parsedBody;
        this.request = request;
        this.response = response;
    }

    get requestInfo(): RequestInfo {
        return new NodeRequestInfo(this.request);
    }

    header(name: string): string | undefined {
        const value = this.request.headers[name];
        return Array.isArray(value) ? value.join(', ') : value;
    }

    readBody(maxBytes: number): Promise<string | undefined> {
        const request = this.request;
        if (Number(request.headers['content-length']) > maxBytes) {
            return Promise.resolve(undefined);
        }
        return new Promise((resolve, reject) => {
            let first: Buffer | undefined;
            let rest: Buffer[] | undefined;
            let size = 0;
            const stop = (): void => {
                request.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
            };
            const onData = (chunk: Buffer): void => {
                size += chunk.length;
                if (size > maxBytes) {
                    stop();
                    request.pause();
                    resolve(undefined);
                } else if (first === undefined) {
                    first = chunk;
                } else {
                    (rest ??= [first]).push(chunk);
                }
            };
            const onEnd = (): void => {
                stop();
                resolve((rest ? Buffer.concat(rest) : first)?.toString('utf8') ?? '');
            };
            const onError = (error: Error): void => {
                stop();
                reject(error);
            };
            const onClose = (): void => onError(new Error('The client closed the connection before its request was complete'));
            request.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
        });
    }

    respond(status: number, headers: Readonly<Record<string, string>>, body?: string): void {
        const response = this.response;
        if (response.headersSent || response.destroyed) {
            return;
        }
        // A request whose body was not read leaves bytes on the connection that the next request would be parsed from.
        const unread = !this.request.complete && this.parsedBody === undefined && this.method === 'POST';
        const all: Record<string, string | number> = { ...headers };
        if (body !== undefined) {
            all['Content-Length'] = Buffer.byteLength(body);
        }
        if (unread) {
            all['Connection'] = 'close';
        }
        response.writeHead(status, all);
        response.end(body);
    }

    startEventStream(headers: Readonly<Record<string, string>>): EventStreamSink {
        this.response.writeHead(200, headers);
        return new NodeEventStreamSink(this.response);
    }
}

/** Reads headers and URL only when a handler asks for them, which few do. */
class NodeRequestInfo implements RequestInfo {
    readonly headers: IncomingMessage['headers'];
    private readonly request: IncomingMessage;

    constructor(request: IncomingMessage) {
        this.headers = request.headers;
        this.request = request;
    }

    get url(): URL {
        const { request } = this;
        const encrypted = 'encrypted' in request.socket && request.socket.encrypted === true;
        return new URL(request.url ?? '/', `${encrypted ? 'https' : 'http'}://${request.headers.host ?? 'localhost'}`);
    }
}

class NodeEventStreamSink implements EventStreamSink {
    private readonly response: ServerResponse;
    private ended = false;
    private lost = false;
    private lostListener: (() => void) | undefined;

    constructor(response: ServerResponse) {
        this.response = response;
        // Most answers are complete within the same turn of the event loop. They go out in one packet and need no listener.
        setImmediate(() => {
            if (this.ended) {
                return;
            }
            if (response.destroyed || response.closed) {
                this.lose();
                return;
            }
            response.once('close', () => this.lose());
            response.flushHeaders();
        });
    }

    get closed(): boolean {
        return this.ended || this.lost || this.response.destroyed;
    }

    get onlost(): (() => void) | undefined {
        return this.lostListener;
    }

    set onlost(listener: (() => void) | undefined) {
        this.lostListener = listener;
        if (listener && this.lost) {
            queueMicrotask(listener);
        }
    }

    write(text: string): boolean {
        if (this.closed) {
            return false;
        }
        this.response.write(text);
        if (this.response.writableLength > DEFAULT_MAX_BUFFERED_BYTES) {
            this.response.destroy();
            this.lose();
            return false;
        }
        return true;
    }

    end(text?: string): void {
        if (this.ended) {
            return;
        }
        this.ended = true;
        if (!this.response.destroyed) {
            this.response.end(text);
        }
    }

    destroy(): void {
        this.ended = true;
        this.response.destroy();
    }

    private lose(): void {
        if (this.ended || this.lost) {
            return;
        }
        this.lost = true;
        this.lostListener?.();
    }
}

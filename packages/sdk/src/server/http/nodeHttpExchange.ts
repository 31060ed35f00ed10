import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestInfo } from './requestInfo.js';
import type { AuthInfo } from './sdk.js';
import type { EventStreamSink, HttpExchange } from './httpExchange.js';
import { NodeEventStreamSink } from './nodeEventStreamSink.js';

/** How long a client may go on sending a body that nobody reads, in milliseconds. */
const DISCARD_MS = 500;

const NOT_IN_HOST = /[/?#@\\\s]/;

/** {@link HttpExchange} on Node's own request and response: no `Request`, `Response` or web stream is made. */
export class NodeHttpExchange implements HttpExchange {
    readonly method: string;
    readonly authInfo: AuthInfo | undefined;
    readonly parsedBody: unknown;
    private readonly request: IncomingMessage;
    private readonly response: ServerResponse;
    private url: URL | undefined;
    private isFinished = false;
    private onfinish: (() => void) | undefined;

    constructor(request: IncomingMessage & { auth?: AuthInfo | undefined }, response: ServerResponse, parsedBody?: unknown) {
        this.method = request.method ?? 'GET';
        this.authInfo = request.auth;
        this.parsedBody = parsedBody;
        this.request = request;
        this.response = response;
    }

    /** Resolves when the answer is complete, or its reader is gone. To be asked for once. */
    get finished(): Promise<void> {
        return this.isFinished
            ? Promise.resolve()
            : new Promise(resolve => {
                  this.onfinish = resolve;
              });
    }

    /** Whether the request line and the `Host` header make a URL. */
    get hasValidUrl(): boolean {
        try {
            this.url ??= urlOf(this.request);
            return true;
        } catch {
            return false;
        }
    }

    /** @throws TypeError if the request names no valid URL. */
    get requestInfo(): RequestInfo {
        return { headers: this.request.headers, url: (this.url ??= urlOf(this.request)) };
    }

    header(name: string): string | undefined {
        if (name === 'content-type') {
            return this.joinedHeader(name);
        }
        const value = this.request.headers[name];
        return Array.isArray(value) ? value.join(', ') : value;
    }

    readBody(maxBytes: number): Promise<string | undefined> {
        const { request } = this;
        if (Number(request.headers['content-length']) > maxBytes) {
            this.discardBody();
            return Promise.resolve(undefined);
        }
        if (request.readableEnded || request.destroyed) {
            return Promise.resolve(bodyKeptByPlatform(request) ?? '');
        }
        return new Promise((resolve, reject) => {
            let first: Buffer | undefined;
            let rest: Buffer[] | undefined;
            let size = 0;
            let settled = false;
            const onData = (data: Buffer | string): void => {
                const chunk = typeof data === 'string' ? Buffer.from(data) : data;
                size += chunk.length;
                if (settled) {
                    return;
                }
                if (size > maxBytes) {
                    settled = true;
                    this.discardBody();
                    resolve(undefined);
                } else if (first === undefined) {
                    first = chunk;
                } else {
                    (rest ??= [first]).push(chunk);
                }
            };
            const onEnd = (): void => {
                if (!settled) {
                    settled = true;
                    resolve(withoutByteOrderMark((rest ? Buffer.concat(rest) : first)?.toString('utf8') ?? ''));
                }
            };
            const onBroken = (error?: Error): void => {
                if (!settled) {
                    settled = true;
                    reject(error ?? new Error('The client closed the connection before its request was complete'));
                }
            };
            // The listeners stay: the request lives no longer than the last of their events.
            request.on('data', onData).on('end', onEnd).on('error', onBroken).on('close', onBroken);
        });
    }

    respond(status: number, headers: Readonly<Record<string, string>>, body?: string): void {
        const { response } = this;
        if (!response.headersSent && !response.destroyed) {
            response.writeHead(status, body === undefined ? headers : { ...headers, 'Content-Length': Buffer.byteLength(body) });
            response.end(body);
        }
        this.finish();
    }

    startEventStream(headers: Readonly<Record<string, string>>): EventStreamSink {
        return new NodeEventStreamSink(this.response, headers, () => this.finish());
    }

    private finish(): void {
        this.isFinished = true;
        this.onfinish?.();
    }

    /** Node drops all but the first of some repeated headers; whoever must notice that they are repeated needs all. */
    private joinedHeader(name: string): string | undefined {
        const { rawHeaders } = this.request;
        let joined: string | undefined;
        for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
            const rawName = rawHeaders[i];
            if (rawName?.length === name.length && rawName.toLowerCase() === name) {
                joined = joined === undefined ? rawHeaders[i + 1] : `${joined}, ${rawHeaders[i + 1]}`;
            }
        }
        return joined;
    }

    /** Lets the client go on sending for a while, as it may look for the answer only then. */
    private discardBody(): void {
        const { request } = this;
        const timer = setTimeout(() => request.destroy(), DISCARD_MS);
        timer.unref();
        request.once('close', () => clearTimeout(timer)).resume();
    }
}

/** @throws TypeError if the request names no valid URL. */
function urlOf(request: IncomingMessage): URL {
    const encrypted = 'encrypted' in request.socket && request.socket.encrypted === true;
    const host = request.headers.host ?? request.headers[':authority'];
    const target = request.url ?? '/';
    if (!target.startsWith('/')) {
        return new URL(target);
    }
    if (typeof host !== 'string' || host === '' || NOT_IN_HOST.test(host) || target.split('?', 1)[0]?.includes('\\')) {
        throw new TypeError('The request names no valid URL');
    }
    return new URL(`${encrypted ? 'https' : 'http'}://${host}${target}`);
}

/** A web-standard request drops the mark when it decodes its body, so clients may send one. */
function withoutByteOrderMark(text: string): string {
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

/** Some serverless platforms read the body themselves and leave it here. */
function bodyKeptByPlatform(request: IncomingMessage): string | undefined {
    return 'rawBody' in request && Buffer.isBuffer(request.rawBody) ? request.rawBody.toString('utf8') : undefined;
}

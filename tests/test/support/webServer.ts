import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Serves a request of Node's `http` with a web-standard handler, as the adapters of web frameworks for Node do. */
export async function serveWeb(req: IncomingMessage, res: ServerResponse, handle: (request: Request) => Promise<Response>): Promise<void> {
    const response = await handle(webRequest(req));
    res.writeHead(response.status, Object.fromEntries(response.headers));
    if (response.body === null) {
        res.end();
        return;
    }
    res.flushHeaders();
    // A client that goes away cancels the body, which is how a web-standard handler learns of it.
    await pipeline(Readable.fromWeb(response.body), res).catch(() => undefined);
}

function webRequest(req: IncomingMessage): Request {
    const headers = new Headers();
    for (const [name, values] of Object.entries(req.headersDistinct)) {
        values?.forEach(value => headers.append(name, value));
    }
    const { method = 'GET' } = req;
    const url = `http://${req.headers.host}${req.url}`;
    if (method === 'GET' || method === 'HEAD') {
        return new Request(url, { method, headers });
    }
    return new Request(url, { method, headers, body: Readable.toWeb(req), duplex: 'half' });
}

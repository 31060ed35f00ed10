/**
 * Serves the default export of a module, which has the shape `{ fetch }`, at /mcp: `node serveModule.ts <module>`.
 * The parent process is told the URL.
 */
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';
import { Hono } from 'hono';
import { serveWeb } from './webServer.ts';

interface FetchHandler {
    fetch(request: Request): Promise<Response>;
}

const handler = fetchHandlerIn(await import(pathToFileURL(process.argv[2] ?? '').href));
const app = new Hono().all('/mcp', c => handler.fetch(c.req.raw));
const server = createServer((req, res) => void serveWeb(req, res, async request => app.fetch(request)));
server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    process.send?.(typeof address === 'object' ? `http://127.0.0.1:${address?.port}/mcp` : undefined);
});
process.once('disconnect', () => process.exit());

function fetchHandlerIn(module: unknown): FetchHandler {
    if (typeof module === 'object' && module !== null && 'default' in module && isFetchHandler(module.default)) {
        return module.default;
    }
    throw new Error('The module has no default export of the shape { fetch }');
}

function isFetchHandler(value: unknown): value is FetchHandler {
    return typeof value === 'object' && value !== null && 'fetch' in value && typeof value.fetch === 'function';
}

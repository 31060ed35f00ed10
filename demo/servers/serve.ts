import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** Name of this process, as the proxy knows it. */
export const node = process.env['DEMO_NODE'] ?? 'node';

/**
 * Serves on a port of loopback that the system chooses, and tells the parent process which. Ends on SIGTERM, and with the parent.
 *
 * @param close is awaited on SIGTERM.
 */
export function serve(handle: (req: IncomingMessage, res: ServerResponse) => Promise<void>, close: () => Promise<void>): void {
    const server = createServer((req, res) => {
        handle(req, res).catch((error: unknown) => {
            console.error(`${node}:`, error);
            res.destroy();
        });
    });
    server.listen(0, '127.0.0.1', () => process.send?.(server.address()));
    process.once('disconnect', () => process.exit());
    if (!process.connected) {
        process.exit();
    }
    process.once('SIGTERM', () => {
        server.close();
        void close().then(() => process.exit());
    });
}

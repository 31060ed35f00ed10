/** The process of one server. It is told by `BENCH_SERVER` what to be, and by messages what to do. */
import { createServer } from 'node:http';
import { bareServer } from './bareServer.ts';
import { parseOwn } from '../json.ts';
import { handlerServer } from './handlerServer.ts';
import { mapServer } from './mapServer.ts';
import type { BenchServer, Command, Report, ServerSetup } from './messages.ts';

const setup = parseOwn<ServerSetup>(process.env['BENCH_SERVER'] ?? '{}', ['implementation', 'json', 'resumable', 'storeUrl']);
const server = await makeBenchServer(setup);
const http = createServer((request, response) => server.handle(request, response));
// Connections of the bench stay open from the first measurement to the last.
http.keepAliveTimeout = 0;

process.on('message', (command: Command) => {
    switch (command.kind) {
        case 'usage': {
            const { user, system } = process.cpuUsage();
            report({ kind: 'usage', cpuUs: user + system });
            break;
        }
        case 'memory': {
            globalThis.gc?.();
            const { heapUsed, external } = process.memoryUsage();
            report({ kind: 'memory', bytes: heapUsed + external, liveSessions: server.liveSessions });
            break;
        }
        case 'broadcast':
            void server.broadcast().then(() => report({ kind: 'broadcast' }));
            break;
        case 'stop':
            // An exit by itself: else V8 does not write its profile.
            void server.close().then(() => process.exit(0));
    }
});

// The bench has ended in some other way than by stopping this.
process.on('disconnect', () => process.exit(1));

http.listen(0, '127.0.0.1', () => {
    const address = http.address();
    report({ kind: 'listening', port: typeof address === 'object' && address ? address.port : 0 });
});

function report(message: Report): void {
    process.send?.(message);
}

async function makeBenchServer(wanted: ServerSetup): Promise<BenchServer> {
    switch (wanted.implementation) {
        case 'bare':
            return bareServer(wanted);
        case 'wrong':
            return bareServer(wanted, text => `not ${text}`);
        case 'upstream':
        case 'transports':
            return mapServer(wanted);
        case 'handler':
            return handlerServer(wanted);
        case 'mcp-use':
            throw new Error('mcp-use has a program of its own');
    }
}

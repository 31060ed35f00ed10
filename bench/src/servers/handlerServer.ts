import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { createSessionHandler } from '@modelcontextprotocol/sdk/server/sessionHandler.js';
import type { TransportStore } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { announce, makeServer } from './mcpServer.ts';
import type { BenchServer, ServerSetup } from './messages.ts';
import { openStore } from './openStore.ts';

/** The fork's session handler on a store. */
export async function handlerServer({ json, resumable, storeUrl, liveSessionIdleMs }: ServerSetup): Promise<BenchServer> {
    const opened: { readonly store: TransportStore | undefined; close(): Promise<void> } = await openStore(storeUrl);
    const servers = new Set<Server>();
    const handler = createSessionHandler(
        () => {
            const server = makeServer();
            servers.add(server);
            server.onclose = () => servers.delete(server);
            return server;
        },
        {
            ...(opened.store === undefined ? {} : { store: opened.store }),
            ...(liveSessionIdleMs === undefined ? {} : { liveSessionIdleMs }),
            enableJsonResponse: json,
            resumable,
            onerror: error => console.error(error)
        }
    );
    return {
        handle: (request, response) => void handler.handleRequest(request, response),
        broadcast: async () => {
            await Promise.all(Array.from(servers, announce));
        },
        get liveSessions() {
            return handler.liveSessions;
        },
        close: async () => {
            await handler.close({ deadlineMs: 1_000 });
            await opened.close();
        }
    };
}

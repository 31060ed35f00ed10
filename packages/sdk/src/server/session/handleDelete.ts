import type { HttpExchange } from '../http/httpExchange.js';
import { RefusedError, SESSION_NOT_FOUND_REFUSAL, sessionIdOf, type SessionService } from './sessionService.js';

/**
 * DELETE ends a session, on every node: its record goes first, so that no request is let in any more, then every node that holds a
 * copy is told to abort what runs and to close its streams. (Streamable HTTP, "Session Management", point 5.)
 * @throws RefusedError, TransportStoreError
 */
export async function handleDelete({ context, sessions }: SessionService, exchange: HttpExchange): Promise<void> {
    const sessionId = sessionIdOf(exchange);
    const { settings, store, calls, cluster } = context;
    const principal = settings.principal(exchange.authInfo);
    const result = await calls.run(() => store.sessions.delete(sessionId, { principal }));
    if (result.status !== 'ok') {
        if (result.status === 'missing') {
            sessions.deleted(sessionId, 'deleted-elsewhere');
        }
        throw new RefusedError(SESSION_NOT_FOUND_REFUSAL);
    }
    sessions.deleted(sessionId, 'deleted');
    for (const node of result.nodes) {
        if (node !== cluster.id) {
            cluster.tell(node, { kind: 'deleted', session: sessionId });
        }
    }
    await settings.onsessionclosed?.(sessionId);
    exchange.respond(200, {});
}

import { ErrorCode, type AuthInfo } from '../http/sdk.js';
import type { TransportFactoryContext } from '../transportFactory.js';
import { RoutedTaskMessages, type TaskRoute } from './routedTaskMessages.js';
import { waitingNode } from './serverRequestIds.js';
import type { SessionContext } from './sessionContext.js';
import type { SessionTransport } from './sessionTransport.js';

/** What the application's factory is told when it is to make the server of a session. */
export function factoryContext(
    context: SessionContext,
    sessionId: string,
    transport: SessionTransport,
    { restored, authInfo }: { restored: boolean; authInfo: AuthInfo | undefined }
): TransportFactoryContext {
    return {
        sessionId,
        restored,
        authInfo,
        transport,
        routeTaskMessages: queue => new RoutedTaskMessages(queue, taskRoute(context, sessionId, transport))
    };
}

function taskRoute({ cluster }: SessionContext, sessionId: string, transport: SessionTransport): TaskRoute {
    return {
        toWire: request => transport.toWire(request),
        fromWire: request => transport.fromWire(request),
        failElsewhere: ({ id }, message) => {
            const node = waitingNode(id);
            if (node !== undefined && node !== cluster.id) {
                const reply = { jsonrpc: '2.0' as const, id, error: { code: ErrorCode.InternalError, message } };
                cluster.tell(node, { kind: 'message', session: sessionId, message: reply });
            }
        }
    };
}

import type { AuthInfo } from '../http/sdk';
import type { TransportFactoryContext } from '../transportFactory';
import type { SessionContext } from './sessionContext';
import type { SessionTransport } from './sessionTransport';

/** What the application's factory is told when it is to make the server of a session. */
export function factoryContext(
    _context: SessionContext,
    sessionId: string,
    transport: SessionTransport,
    { restored, authInfo }: { restored: boolean; authInfo: AuthInfo | undefined }
): TransportFactoryContext {
    return { sessionId, restored, authInfo, transport };
}

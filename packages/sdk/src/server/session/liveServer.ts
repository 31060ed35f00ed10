import { CausedError } from './causedError.js';
import type { AuthInfo, JSONRPCMessage } from '../http/sdk.js';
import type { SessionServer } from '../transportFactory.js';
import { asError } from './asError.js';
import { factoryContext } from './factoryContext.js';
import { logMessage } from './loggedEvent.js';
import type { SessionContext } from './sessionContext.js';
import { SessionTransport } from './sessionTransport.js';

/** A server object and the transport that it is connected to. */
export interface LiveServer {
    readonly server: SessionServer;
    readonly transport: SessionTransport;
}

/** The server of a session could not be made; `cause` tells why. */
export class FactoryError extends CausedError {
    readonly code = 'FACTORY_FAILED';

    constructor(message: string, options?: { cause?: unknown }) {
        super(message, options);
        this.name = 'FactoryError';
    }
}

/**
 * Makes the server of a session and connects it.
 * @throws FactoryError
 */
export async function makeServer(
    context: SessionContext,
    sessionId: string,
    standaloneStream: string,
    occasion: { restored: boolean; authInfo: AuthInfo | undefined }
): Promise<LiveServer> {
    const transport = new SessionTransport(sessionId, context.serverRequestIds, message =>
        publish(context, sessionId, standaloneStream, message)
    );
    try {
        const server = await context.factory(factoryContext(context, sessionId, transport, occasion));
        if (!transport.started) {
            await server.connect(transport);
        }
        checkServer(server, transport);
        return { server, transport };
    } catch (cause) {
        await transport.close();
        throw new FactoryError('The transport factory failed, so there is no server for the session', { cause });
    }
}

/** Closes a server and its transport. That the server can't be closed is reported, not thrown. */
export async function closeServer({ server, transport }: LiveServer, onerror: (error: Error) => void): Promise<void> {
    try {
        await server.close();
    } catch (error) {
        onerror(asError(error));
    }
    await transport.close();
}

/** Factories may be written without types. A server that does not listen would let every request wait for ever. */
function checkServer(server: Partial<SessionServer> | undefined, transport: SessionTransport): void {
    if (typeof server?.close !== 'function') {
        throw new TypeError('The factory must return a server with the methods connect and close, such as an McpServer');
    }
    if (transport.onmessage === undefined || transport.closed) {
        throw new Error('The server that the factory returned does not listen to the transport that it was connected to');
    }
}

/** Sends a message that belongs to no request: into the log of the standalone stream, which whoever holds that stream reads. */
async function publish(context: SessionContext, sessionId: string, streamId: string, message: JSONRPCMessage): Promise<void> {
    const { streams, calls, settings, wake } = context;
    const data = logMessage(JSON.stringify(message));
    const result = await calls.run(() => streams.publish(sessionId, streamId, [data], settings.eventRetention));
    if (result.status === 'missing') {
        throw new Error('The session has ended, or is not initialized yet; nothing can be sent for it');
    }
    const { holder, previous, positions } = result;
    const [position] = positions;
    if (holder !== undefined) {
        wake(holder, sessionId, streamId, position === undefined ? undefined : { previous, position, data });
    }
}

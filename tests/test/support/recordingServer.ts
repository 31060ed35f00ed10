import type { SessionServer, TransportFactoryContext } from '@modelcontextprotocol/sdk/server/transportFactory.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';

/**
 * The barest server: it notes every message that it is given, and answers every request with an empty result, `initialize` with what is
 * needed.
 * @param received where messages are noted.
 * @param before called before a request is answered.
 */
export function recordingServer(
    { transport }: TransportFactoryContext,
    received: JSONRPCMessage[],
    before: (message: JSONRPCMessage) => Promise<void> = () => Promise.resolve()
): SessionServer {
    return {
        connect: () => {
            transport.onmessage = message => {
                received.push(message);
                if ('method' in message && 'id' in message) {
                    const result = message.method === 'initialize' ? initializeResult(message.params?.['protocolVersion']) : {};
                    void before(message).then(() => transport.send({ jsonrpc: '2.0', id: message.id, result }));
                }
            };
            return transport.start();
        },
        close: () => transport.close()
    };
}

function initializeResult(protocolVersion: unknown): Record<string, unknown> {
    return { protocolVersion, capabilities: { logging: {} }, serverInfo: { name: 'recording-server', version: '0' } };
}

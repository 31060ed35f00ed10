import type { JSONRPCMessage, MessageExtraInfo } from './sdk.js';

/** What a transport shows: the callbacks that a server sets on it, and the session id that everybody reads. */
export interface TransportFace {
    sessionId?: string | undefined;
    onclose?: (() => void) | undefined;
    onerror?: ((error: Error) => void) | undefined;
    onmessage?: ((message: JSONRPCMessage, extra?: MessageExtraInfo) => void) | undefined;
}

import { isResponse } from './jsonRpcMessage.js';
import type { SessionSnapshot } from './restoredSession.js';
import { LoggingLevelSchema, type JSONRPCMessage, type LoggingLevel, type RequestId } from './sdk.js';

/** Watches the messages of a session and tells when what is to be stored of it has changed. */
export class SessionChanges {
    private snapshot: SessionSnapshot;
    private readonly onchange: (session: SessionSnapshot) => Promise<void>;
    private readonly requestedLevels = new Map<RequestId, LoggingLevel>();

    /** @param onchange does not reject. */
    constructor(snapshot: SessionSnapshot, onchange: (session: SessionSnapshot) => Promise<void>) {
        this.snapshot = snapshot;
        this.onchange = onchange;
    }

    /** Looks at a message of the client. */
    received(message: JSONRPCMessage): void | Promise<void> {
        if (!('method' in message)) {
            return undefined;
        }
        if (message.method === 'notifications/initialized' && !this.snapshot.initialized) {
            return this.change({ ...this.snapshot, initialized: true });
        }
        if (message.method === 'logging/setLevel' && 'id' in message) {
            const level = LoggingLevelSchema.safeParse(message.params?.level);
            if (level.success) {
                this.requestedLevels.set(message.id, level.data);
            }
        }
        return undefined;
    }

    /** Looks at a message of the server: a level counts when the server has accepted it. */
    sending(message: JSONRPCMessage): void | Promise<void> {
        if (this.requestedLevels.size === 0 || !isResponse(message) || message.id === undefined) {
            return undefined;
        }
        const logLevel = this.requestedLevels.get(message.id);
        if (logLevel === undefined) {
            return undefined;
        }
        this.requestedLevels.delete(message.id);
        return 'result' in message ? this.change({ ...this.snapshot, logLevel }) : undefined;
    }

    private change(snapshot: SessionSnapshot): Promise<void> {
        this.snapshot = snapshot;
        return this.onchange(snapshot);
    }
}

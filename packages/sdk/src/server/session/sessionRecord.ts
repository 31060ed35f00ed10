import { TransportStoreError, type StoredSession } from '../transportStore.js';
import { InitializeRequestSchema, type InitializeRequest } from '../http/sdk.js';

/**
 * What is stored of a session, as text.
 *
 * The version tells readers of a rolling deploy what they read. A change that older readers would misread needs a new version; a
 * field that they may ignore does not.
 */
export const RECORD_VERSION = 1;

/** The part of a session that never changes. */
export interface SessionRecord {
    /** Parameters of the client's `initialize`: capabilities, client info, requested revision. */
    readonly initialize: InitializeRequest['params'];
    /** Revision that the server answered with. */
    readonly protocolVersion: string;
    /** Id of the session's standalone stream; random, so that an event id of one session means nothing in another. */
    readonly standaloneStream: string;
}

/** The part of a session that changes while it lives. */
export interface SessionState {
    /** Whether `notifications/initialized` has arrived. */
    readonly initialized: boolean;
    /** Level of the last successful `logging/setLevel`. */
    readonly logLevel: string | undefined;
}

export const NEW_STATE: SessionState = { initialized: false, logLevel: undefined };

export function encodeRecord(record: SessionRecord): string {
    return JSON.stringify({ version: RECORD_VERSION, ...record });
}

export function encodeState(state: Partial<SessionState>): Record<string, string> {
    return {
        ...(state.initialized === undefined ? {} : { initialized: state.initialized ? '1' : '0' }),
        ...(state.logLevel === undefined ? {} : { logLevel: state.logLevel })
    };
}

/**
 * Reads a stored session.
 * @throws TransportStoreError `STORE_CORRUPT` or `STORE_NEWER_VERSION`.
 */
export function decodeSession(stored: StoredSession): { record: SessionRecord; state: SessionState } {
    return {
        record: decodeRecord(stored.record),
        state: { initialized: stored.state['initialized'] === '1', logLevel: stored.state['logLevel'] }
    };
}

function decodeRecord(text: string): SessionRecord {
    let value: unknown;
    try {
        value = JSON.parse(text);
    } catch (cause) {
        throw corrupt('it is not JSON', cause);
    }
    if (typeof value !== 'object' || value === null || !('version' in value) || typeof value.version !== 'number') {
        throw corrupt('it has no version');
    }
    if (value.version > RECORD_VERSION) {
        throw new TransportStoreError(
            'STORE_NEWER_VERSION',
            `The session was written by a newer release (record version ${value.version}, this one reads up to ${RECORD_VERSION}). ` +
                'Finish the deploy, or send the session to a node that runs the newer release.'
        );
    }
    if (
        !('protocolVersion' in value && typeof value.protocolVersion === 'string') ||
        !('standaloneStream' in value && typeof value.standaloneStream === 'string') ||
        !('initialize' in value)
    ) {
        throw corrupt('fields are missing');
    }
    const initialize = InitializeRequestSchema.safeParse({ method: 'initialize', params: value.initialize });
    if (!initialize.success) {
        throw corrupt('the stored initialize is not valid', initialize.error);
    }
    return {
        initialize: initialize.data.params,
        protocolVersion: value.protocolVersion,
        standaloneStream: value.standaloneStream
    };
}

function corrupt(why: string, cause?: unknown): TransportStoreError {
    return new TransportStoreError(
        'STORE_CORRUPT',
        `The stored session can't be read: ${why}. Something else writes to the keys of this store, or they were damaged.`,
        { cause }
    );
}

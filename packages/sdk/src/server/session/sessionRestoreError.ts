import { CausedError } from './causedError.js';

/** Stable reasons of a {@link SessionRestoreError}. */
export type SessionRestoreErrorCode =
    /** The session id is not 1 to 256 visible ASCII characters. */
    | 'INVALID_SESSION_ID'
    /** The stored `initialize` parameters are not those of a valid `initialize` request. */
    | 'INVALID_INITIALIZE'
    /** The stored log level is not one of the protocol's. */
    | 'INVALID_LOG_LEVEL'
    /** The server answered the replayed `initialize` with an error. */
    | 'INITIALIZE_REFUSED'
    /** The transport was closed before the session was restored. */
    | 'CLOSED';

/** A stored session could not be restored; {@link code} tells why and, where there is one, `cause` holds the underlying error. */
export class SessionRestoreError extends CausedError {
    readonly code: SessionRestoreErrorCode;

    constructor(code: SessionRestoreErrorCode, message: string, options?: { cause?: unknown }) {
        super(message, options);
        this.name = 'SessionRestoreError';
        this.code = code;
    }
}

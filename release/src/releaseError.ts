export type ReleaseErrorCode =
    /** There is no such package, or the command was called wrongly. */
    | 'USAGE'
    /** What would be released is in no commit. */
    | 'UNCOMMITTED_CHANGES'
    /** The version was released before, with other content. */
    | 'ALREADY_RELEASED'
    /** The package depends on something that can't be installed outside of this workspace. */
    | 'NOT_INSTALLABLE'
    /** Another program failed. */
    | 'COMMAND_FAILED';

/** Why a release could not be made; the message says what to do about it. */
export class ReleaseError extends Error {
    override readonly name = 'ReleaseError';
    readonly code: ReleaseErrorCode;

    constructor(code: ReleaseErrorCode, message: string, options?: ErrorOptions) {
        super(message, options);
        this.code = code;
    }
}

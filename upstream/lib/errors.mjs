/** The checkout is not what this change was made for. Its message says what was looked for, and what to do. */
export class ApplyError extends Error {
    constructor(message, options) {
        super(message, options);
        this.name = 'ApplyError';
    }
}

/** Base of what this suite throws on purpose. `code` is stable; the message says what happened and, where that helps, what to do. */
export class SuiteError extends Error {
    readonly code: string;

    constructor(code: string, message: string, options?: ErrorOptions) {
        super(message, options);
        this.name = new.target.name;
        this.code = code;
    }
}

/** A server did what a requirement rules out, or did not do what it demands. */
export class RequirementNotMetError extends SuiteError {
    constructor(message: string, options?: ErrorOptions) {
        super('REQUIREMENT_NOT_MET', message, options);
    }
}

/** It could not be found out whether a requirement is met, for instance since a node is too slow to tell. */
export class InconclusiveError extends SuiteError {
    constructor(message: string, options?: ErrorOptions) {
        super('INCONCLUSIVE', message, options);
    }
}

/** A deployment was asked for something that can't be done to it. The runner does not start checks that would ask. */
export class FaultNotAvailableError extends SuiteError {
    constructor(fault: string, why: string) {
        super('FAULT_NOT_AVAILABLE', `${fault} is not possible here: ${why}`);
    }
}

/**
 * Something has not come within the time that the client waits for it.
 *
 * By itself that is no failure, the server may merely be slow. The runner asks the nodes for a sign of life: if they give it, the check
 * has failed, else it is inconclusive. A workload takes it as "may have happened or not".
 */
export class WaitedInVainError extends SuiteError {
    constructor(what: string, milliseconds: number) {
        super('WAITED_IN_VAIN', `Waited ${milliseconds / 1000} s in vain for ${what}`);
    }
}

/** A request got no answer because its connection could not be made, or broke before the answer's headers. It may have been executed. */
export class ConnectionFailedError extends SuiteError {
    constructor(request: string, cause: unknown) {
        super('CONNECTION_FAILED', `${request} got no answer: ${describeError(cause)}`, { cause });
    }
}

/** The suite was called, or a target was described, in a way that can't be carried out. The message says what to change. */
export class UsageError extends SuiteError {
    constructor(message: string, options?: ErrorOptions) {
        super('USAGE', message, options);
    }
}

/** The suite itself, or something that it needs on this machine, does not work; nothing follows from that for the server. */
export class HarnessError extends SuiteError {
    constructor(message: string, options?: ErrorOptions) {
        super('HARNESS', message, options);
    }
}

/** What went wrong in a few words, also where the error itself says nothing and only its causes do. */
export function describeError(error: unknown): string {
    if (error instanceof AggregateError && error.message === '') {
        return error.errors.map(describeError).join('; ');
    }
    if (!(error instanceof Error)) {
        return String(error);
    }
    const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
    return error.message === '' ? code : error.message;
}

import { TransportStoreError } from '@modelcontextprotocol/sdk/server/transportStore.js';

/** In the errors that the store's own scripts raise for data that nobody but something else can have written. */
export const corruptMarker = 'MCP_STORE_CORRUPT';
/** In the errors that the store's own scripts raise for a stream that is written in both ways. */
export const mixedWritingMarker = 'MCP_STORE_MIXED_WRITING';

/** Whether an error is Redis' answer to a command, and not a failure to send the command or to receive the answer. */
export function isServerReply(error: unknown): boolean {
    return error instanceof Error && /^-?[A-Z][A-Z0-9_]+( |$)/.test(error.message);
}

/** Whether Redis does not know a script, because it was restarted or told to forget its scripts. */
export function isUnknownScript(error: unknown): boolean {
    return error instanceof Error && error.message.startsWith('NOSCRIPT');
}

/** Whether the client refused the command because it had no connection: the command was not sent. */
export function isRefusedOffline(error: unknown): boolean {
    return error instanceof Error && error.message === 'The client is offline';
}

/** Puts whatever went wrong with a command into the words of the store. */
export function storeError(error: unknown): TransportStoreError {
    if (error instanceof TransportStoreError) {
        return error;
    }
    const message = error instanceof Error ? error.message : String(error);
    const known = explanations.find(({ pattern }) => pattern.test(message));
    if (known !== undefined) {
        return new TransportStoreError(known.code, `${known.advice} Redis said: ${message}`, { cause: error });
    }
    if (error instanceof TypeError) {
        return new TransportStoreError('STORE_MISUSED', `The store was given a value that can't be sent to Redis: ${message}`, {
            cause: error
        });
    }
    if (isServerReply(error)) {
        return new TransportStoreError('STORE_UNAVAILABLE', `Redis refused a command: ${message}`, { cause: error });
    }
    return new TransportStoreError(
        'STORE_UNAVAILABLE',
        `Redis can't be reached; check that it runs and that the client given to the store is connected. The client said: ${message}`,
        { cause: error }
    );
}

const explanations = [
    {
        pattern: new RegExp(`\\bWRONGTYPE\\b|${corruptMarker}|value is not an integer|ID specified in XADD`),
        code: 'STORE_CORRUPT',
        advice: 'A key of the store holds something else than the store wrote. Give the store a "keyPrefix" that nothing else uses.'
    },
    {
        pattern: new RegExp(mixedWritingMarker),
        code: 'STORE_MISUSED',
        advice: 'A stream is either appended to by its one producer or published to by many; this one was written in the other way before.'
    },
    {
        pattern: /\bOOM\b/,
        code: 'STORE_FULL',
        advice: 'Redis has reached its memory limit. Raise "maxmemory", or shorten the lifetimes of sessions and streams.'
    },
    {
        pattern: /\bNOAUTH\b|\bWRONGPASS\b|\bNOPERM\b/,
        code: 'STORE_UNAVAILABLE',
        advice: 'The user of the Redis client lacks a permission that the store needs.'
    },
    {
        pattern: /\bunknown (redis )?command\b|\bsyntax error\b/i,
        code: 'STORE_UNAVAILABLE',
        advice: 'This server does not know a command that the store needs, which is part of Redis since version 6.2.'
    },
    {
        pattern: /\bLOADING\b|\bMASTERDOWN\b|\bREADONLY\b|\bCLUSTERDOWN\b/,
        code: 'STORE_UNAVAILABLE',
        advice: 'Redis is starting or failing over.'
    }
] as const;

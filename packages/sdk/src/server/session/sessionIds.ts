import { crypto } from '#crypto';

/** Longest session id that is accepted, in characters. */
export const MAX_SESSION_ID_LENGTH = 256;

const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** Streamable HTTP, "Session Management": a session id holds visible ASCII characters only. */
export function isWellFormedSessionId(id: string): boolean {
    return id.length <= MAX_SESSION_ID_LENGTH && VISIBLE_ASCII.test(id);
}

/**
 * A random name of 96 bits, for nodes and streams: 24 hexadecimal digits, and so never one of the names that are made of such a name, a
 * separator and a number.
 */
export function randomName(): string {
    let name = '';
    for (const byte of crypto.getRandomValues(new Uint8Array(12))) {
        name += byte.toString(16).padStart(2, '0');
    }
    return name;
}

/** A random session id that can't be guessed. */
export function randomSessionId(): string {
    return crypto.randomUUID();
}

/**
 * Text on its way into and out of the database.
 *
 * SQLite keeps text as UTF-8, which has no lone surrogates, and Node before 24 ends text at a NUL character. Text that has either is
 * rare, and kept as a blob of UTF-16 code units. Both kinds compare equal to themselves in SQL, so a column may mix them.
 */
export type StoredText = string | Uint8Array;

export function toStoredText(text: string): StoredText {
    return text.isWellFormed() && !text.includes('\0') ? text : Buffer.from(text, 'utf16le');
}

export function fromStoredText(stored: StoredText): string {
    return typeof stored === 'string' ? stored : Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength).toString('utf16le');
}

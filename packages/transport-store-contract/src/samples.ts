/** Text that is easily damaged on its way through a database, a protocol or a script. */
export const texts: readonly string[] = [
    '',
    ' ',
    'plain',
    ' spaces around ',
    'Grüße, Ελλάδα, שלום, 漢字',
    '\u{1F600}\u{10FFFF}',
    'e\u0301 is not \u00e9',
    'line\nline\r\nline\u2028line\u2029line',
    'NUL \u0000 within and at the end \u0000',
    '\u0000',
    '\u0001\u001f\u007f\u0080\u009f\ufeff\ufffd\uffff',
    '"double" \'single\' `back` \\ \\\\ \\u0000 \\n',
    '{"json":["text",null,{"__proto__":1}]}',
    "'; DROP TABLE sessions; --",
    '%s %d ${x} $1 ? :name @name {{x}}',
    'null',
    'undefined',
    'true',
    '0',
    '-0',
    '1e400',
    '[]',
    '{}'
];

/** Text of more than 8 KB, the most that some ways of notification carry. */
export const over8KB = `8 KB ${'\u00e9\u{1F600}x'.repeat(2_000)} end`;

/** Text of more than 1 MB. */
export const over1MB = `1 MB ${'0123456789abcde\u00e9'.repeat(66_000)} end`;

/** Names that have a meaning for JavaScript objects, or may have one for a store. */
export const names: readonly string[] = [
    '',
    '__proto__',
    'constructor',
    'hasOwnProperty',
    'toString',
    'record',
    'revision',
    'principal',
    'state',
    'ttl',
    'nodes',
    'expiresAt',
    '0',
    'a:b',
    's:a',
    'nul \u0000',
    '\u{1F600}',
    'n'.repeat(300)
];

/** The visible ASCII characters, all that session ids and holders may contain. */
export const visibleAscii = String.fromCharCode(...Array.from({ length: 0x7e - 0x21 + 1 }, (_, index) => 0x21 + index));

/** A text of visible ASCII, at least three times each character if there is room. */
export function oddText(length: number): string {
    return visibleAscii.repeat(Math.ceil(length / visibleAscii.length)).slice(0, length);
}

/** State with every text as a value and every name as a field. */
export function oddState(): Record<string, string> {
    // Not an object literal: `__proto__` must become a field of its own.
    return Object.fromEntries([
        ...names.map(name => [name, `value of ${name}`] as const),
        ...texts.map((text, index) => [`text ${index}`, text] as const)
    ]);
}

/** Text as content or attribute of XML and HTML. What neither may contain (control characters, lone surrogates) is shown as �. */
export function escapeText(text: string): string {
    return text
        .toWellFormed()
        .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '�')
        .replaceAll('&', '&amp;')
        .replaceAll('<', '&lt;')
        .replaceAll('>', '&gt;')
        .replaceAll('"', '&quot;')
        .replaceAll("'", '&#39;');
}

/** A text that is cut where it gets too long to be read. */
export function shortened(text: string, length: number): string {
    return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

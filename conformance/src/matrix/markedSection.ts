/** The lines of a document that a program writes stand between two comments. */
const begin = '<!-- Written by `npm run conformance:matrix` -->';
const end = '<!-- End of what is written -->';

/** @throws {Error} if the document has no such lines. */
export function readMarkedSection(document: string): string {
    const [from, to] = placesOf(document);
    return document.slice(from, to).trim();
}

/** @throws {Error} if the document has no such lines. */
export function replaceMarkedSection(document: string, text: string): string {
    const [from, to] = placesOf(document);
    return `${document.slice(0, from)}\n\n${text}\n\n${document.slice(to)}`;
}

function placesOf(document: string): readonly [number, number] {
    const from = document.indexOf(begin);
    const to = document.indexOf(end);
    if (from === -1 || to < from) {
        throw new Error(`The document should have the lines ${begin} and ${end}`);
    }
    return [from + begin.length, to];
}

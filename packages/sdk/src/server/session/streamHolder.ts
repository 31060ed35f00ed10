/**
 * Names of the readers of streams, as the store keeps them.
 *
 * A reader is a node and a number that is new for each reader. A reader that goes away leaves a note of how far it came, so that the
 * next one, if its client brings no event id, begins there.
 */
export function readerName(node: string, serial: number): string {
    return `${node}/${serial}`;
}

/** The node that a holder reads on, or `undefined` if the holder is a note. */
export function nodeOfReader(holder: string): string | undefined {
    const slash = holder.indexOf('/');
    return slash > 0 ? holder.slice(0, slash) : undefined;
}

/** @param position `undefined` if nothing was read yet. */
export function noteOfPosition(position: string | undefined): string {
    return `@${position ?? ''}`;
}

/** @returns the position that a note tells, in an object since it may be `undefined`; or `undefined` if the holder is no note. */
export function readNote(holder: string): { readonly position: string | undefined } | undefined {
    return holder.startsWith('@') ? { position: holder.slice(1) || undefined } : undefined;
}

/**
 * Names of the readers of streams, as the store keeps them.
 *
 * A reader is a node and a number that is new for each reader. A reader that goes away leaves a note of how far it came, so that the
 * next one, if its client brings no event id, begins there. If it dies, whoever finds it dead leaves a note.
 */
export function readerName(node: string, serial: number): string {
    return `${node}/${serial}`;
}

/** The node that a holder reads on, or `undefined` if the holder is a note. */
export function nodeOfReader(holder: string): string | undefined {
    return /^([\w-]+)\//.exec(holder)?.[1];
}

/** @param position `undefined` if nothing was read yet. */
export function noteOfPosition(position: string | undefined): string {
    return `@${position ?? ''}`;
}

/** The note that is left for a reader whose node has died, by who notices it: what was written from this position on, nobody has read. */
export function noteOfUnread(position: string): string {
    return `<${position}`;
}

/** Where the next reader begins: after the position that was read last (`undefined`: none), or at the first that was not. */
export type Note = { readonly after: string | undefined } | { readonly from: string };

/** @returns `undefined` if the holder is no note. */
export function readNote(holder: string): Note | undefined {
    if (holder.startsWith('@')) {
        return { after: holder.slice(1) || undefined };
    }
    return holder.startsWith('<') ? { from: holder.slice(1) } : undefined;
}

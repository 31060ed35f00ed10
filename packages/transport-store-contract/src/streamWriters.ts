import type { StreamRetention } from '@modelcontextprotocol/sdk/server/transportStore.js';
import type { ContractCase, FullStore } from './contract.js';
import { keepAll, ok } from './support.js';

/** What a write answered, however it was written. */
export interface Written {
    readonly positions: readonly string[];
    readonly holder?: string | undefined;
}

/** Writes events to one stream; there are two ways of writing. */
export interface StreamWriter {
    /** Starts a write, at once and in the order of calls. */
    write(data: readonly string[], retention?: StreamRetention): Promise<Written>;
}

export type WritingKind = 'append' | 'publish';

type MakeWriter = (store: FullStore, sessionId: string, streamId: string) => StreamWriter;

const appender: MakeWriter = ({ streams }, sessionId, streamId) => {
    let number = 0;
    return {
        async write(data, retention = keepAll) {
            const events = data.map(text => ({ number: ++number, data: text }));
            const { holder } = ok(await streams.append(sessionId, streamId, events, retention), 'append');
            return { positions: events.map(event => `${event.number}`), holder };
        }
    };
};

const publisher: MakeWriter = ({ streams }, sessionId, streamId) => ({
    async write(data, retention = keepAll) {
        return ok(await streams.publish(sessionId, streamId, data, retention), 'publish');
    }
});

/** A rule that holds however a stream is written makes a case for each way. */
export function forBothKinds(makeCase: (kind: WritingKind, makeWriter: MakeWriter) => ContractCase): readonly ContractCase[] {
    return [makeCase('append', appender), makeCase('publish', publisher)];
}

import { get, type WireAnswer } from '../mcpRequests.ts';
import type { Nodes } from './nodes.ts';

/** Something that was announced, as {@link buildServer}'s tool `announce` does it. */
export interface Heard {
    readonly text: string;
    readonly i: number;
    readonly eventId: string | undefined;
}

/** A client's standalone stream: read at one node, then, after whatever ends it, at another, from where the client was. */
export class Listener {
    readonly heard: Heard[] = [];
    private readonly nodes: Nodes;
    private readonly session: string;
    private readonly violation: (what: string) => void;
    private stream: WireAnswer | undefined;
    private lastEventId: string | undefined;
    private isStopped = false;
    private waiting: { readonly text: string; readonly arrived: () => void } | undefined;
    private readonly ended: Promise<void>;

    constructor(nodes: Nodes, session: string, violation: (what: string) => void) {
        this.nodes = nodes;
        this.session = session;
        this.violation = violation;
        this.ended = this.listen();
    }

    /** Loses the connection. */
    drop(): void {
        this.stream?.disconnect();
    }

    /** Resolves when something with the given text was heard. */
    hears(text: string): Promise<void> {
        if (this.heard.some(heard => heard.text === text)) {
            return Promise.resolve();
        }
        return new Promise(resolve => {
            this.waiting = { text, arrived: resolve };
        });
    }

    async stop(): Promise<void> {
        this.isStopped = true;
        this.drop();
        await this.ended;
    }

    private async listen(): Promise<void> {
        while (!this.isStopped) {
            const { session, lastEventId } = this;
            const stream = await this.nodes.tryRequest(url => get(url, { session, version: '2025-11-25', lastEventId }));
            if (stream === undefined) {
                continue;
            }
            if (stream.status !== 200) {
                this.violation(`the standalone stream was refused: ${stream.status} ${JSON.stringify(await stream.json())}`);
                return;
            }
            this.stream = stream;
            if (!this.isStopped) {
                await this.read(stream);
            }
            stream.disconnect();
        }
    }

    private async read(stream: WireAnswer): Promise<void> {
        for (;;) {
            const event = await stream.next().catch(() => undefined);
            if (event === undefined) {
                return;
            }
            this.lastEventId = event.id;
            const data = event.message?.params?.['data'];
            if (typeof data === 'object' && data !== null && 'text' in data && 'i' in data) {
                const heard = { text: String(data.text), i: Number(data.i), eventId: event.id };
                this.heard.push(heard);
                if (heard.text === this.waiting?.text) {
                    this.waiting.arrived();
                }
            }
        }
    }
}

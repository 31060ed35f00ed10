import { setTimeout as delay } from 'node:timers/promises';
import type { WireAnswer } from '../mcpRequests.ts';
import type { Random } from './random.ts';

/** What becomes of nodes while clients work. */
export type NodeFate = 'stay' | 'are drained and started again' | 'are killed and started again';

/** The nodes as a client meets them: any of them, each time. */
export class Nodes {
    private readonly random: Random;
    private readonly urls: readonly [string, ...string[]];
    private readonly fate: NodeFate;

    constructor(random: Random, urls: readonly [string, ...string[]], fate: NodeFate) {
        this.random = random;
        this.urls = urls;
        this.fate = fate;
    }

    /** Whether nodes may be down, so that clients must expect to be sent elsewhere. */
    get mayBeDown(): boolean {
        return this.fate !== 'stay';
    }

    /** Whether nodes may die with what they run. */
    get mayDie(): boolean {
        return this.fate === 'are killed and started again';
    }

    /**
     * Sends a request to some node.
     * @returns `undefined` if the node was not there or answered 503, so that the client may send it again.
     */
    async tryRequest(send: (url: string) => Promise<WireAnswer>): Promise<WireAnswer | undefined> {
        try {
            const answer = await send(this.random.oneOf(this.urls));
            if (answer.status !== 503 || !this.mayBeDown) {
                return answer;
            }
        } catch (error) {
            if (!this.mayBeDown) {
                throw error;
            }
        }
        // As clients wait before they try again.
        await delay(this.random.between(5, 50));
        return undefined;
    }

    /** Sends a request, which may be sent again without harm, until a node answers it. */
    async request(send: (url: string) => Promise<WireAnswer>): Promise<WireAnswer> {
        for (;;) {
            const answer = await this.tryRequest(send);
            if (answer) {
                return answer;
            }
        }
    }
}

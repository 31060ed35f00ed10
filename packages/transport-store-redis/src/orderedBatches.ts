import { TransportStoreError } from '@modelcontextprotocol/sdk/server/transportStore.js';

/** How items that wait in the same lane go together. */
export interface Batching<Item, Result> {
    /** Handles items of one lane, in their order, and gives a result for each. */
    readonly run: (lane: string, items: readonly Item[]) => Promise<readonly Result[]>;
    /** The texts that an item consists of; a batch has a limited number and size of them. */
    readonly textsOf: (item: Item) => readonly string[];
    /** Whether an item may be handled together with the one in front of it. */
    readonly mayJoin: (previous: Item, next: Item) => boolean;
    /** Whether items that wait behind failing ones fail with them. */
    readonly failsBehind: boolean;
}

interface Waiting<Item, Result> {
    readonly item: Item;
    readonly resolve: (result: Result) => void;
    readonly reject: (reason: unknown) => void;
}

/** Most texts and characters in a batch of more than one item. */
const fullBatch = { texts: 256, characters: 256 * 1024 };
/** Most items that wait in a lane. Reached only while Redis does not answer. */
const maxWaiting = 10_000;

/**
 * Handles items in lanes: in each lane, one batch after the other.
 *
 * To keep the order of a lane's commands it is not enough to send them in order over one connection. One that is sent a second time,
 * because its connection broke or because Redis did not know its script, would be overtaken by those behind it. So the next one is sent
 * when the one before has been answered, and takes along all that have come meanwhile, which makes up for the wait.
 */
export class OrderedBatches<Item, Result> {
    readonly #batching: Batching<Item, Result>;
    readonly #lanes = new Map<string, Waiting<Item, Result>[]>();

    constructor(batching: Batching<Item, Result>) {
        this.#batching = batching;
    }

    /** @returns the result of the item; rejects as its batch does. */
    add(lane: string, item: Item): Promise<Result> {
        return new Promise((resolve, reject) => {
            const waiting = { item, resolve, reject };
            const line = this.#lanes.get(lane);
            if (line === undefined) {
                const newLine = [waiting];
                this.#lanes.set(lane, newLine);
                // Items that are added in one go make one batch.
                queueMicrotask(() => void this.#work(lane, newLine));
            } else if (line.length < maxWaiting) {
                line.push(waiting);
            } else {
                reject(new TransportStoreError('STORE_UNAVAILABLE', 'Redis does not answer, and too many operations wait for it already.'));
            }
        });
    }

    async #work(lane: string, line: Waiting<Item, Result>[]): Promise<void> {
        while (line.length > 0) {
            const batch = this.#takeBatch(line);
            try {
                const items = batch.map(({ item }) => item);
                const results = await this.#batching.run(lane, items);
                for (const [index, result] of results.entries()) {
                    batch[index]?.resolve(result);
                }
            } catch (error) {
                const behind = this.#batching.failsBehind ? line.splice(0) : [];
                for (const { reject } of [...batch, ...behind]) {
                    reject(error);
                }
            }
        }
        this.#lanes.delete(lane);
    }

    #takeBatch(line: Waiting<Item, Result>[]): Waiting<Item, Result>[] {
        const { textsOf, mayJoin } = this.#batching;
        let texts = 0;
        let characters = 0;
        let count = 0;
        for (const { item } of line) {
            const added = textsOf(item);
            texts += added.length;
            characters += added.reduce((sum, { length }) => sum + length, 0);
            const previous = line[count - 1];
            const fits = texts <= fullBatch.texts && characters <= fullBatch.characters;
            if (previous !== undefined && !(fits && mayJoin(previous.item, item))) {
                break;
            }
            count += 1;
        }
        return line.splice(0, count);
    }
}

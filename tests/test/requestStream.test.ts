import { setImmediate } from 'node:timers/promises';
import { InMemoryTransportStore } from '@modelcontextprotocol/sdk/server/inMemoryTransportStore.js';
import { RequestStream } from '@modelcontextprotocol/sdk/server/session/requestStream.js';
import { StoreCalls } from '@modelcontextprotocol/sdk/server/session/storeCalls.js';
import { type EventStreams } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { expect, test } from 'vitest';

const retention = { ttlMs: 60_000, maxEvents: 100 };

/** Enough microtasks for every promise between the store's answer and the end of a write. */
const TURNS = 20;

test('R14: what is added while a write ends is written, whichever turn it is added in', async () => {
    const written: { added: boolean; closed: boolean }[] = [];
    for (let turns = 0; turns < TURNS; turns++) {
        written.push(await writtenIfAddedAfter(turns));
    }
    expect(written).toEqual(Array(TURNS).fill({ added: true, closed: true }));
});

/** @param turns microtasks between the store's answer to the first write and the last addition. */
async function writtenIfAddedAfter(turns: number): Promise<{ added: boolean; closed: boolean }> {
    const store = new InMemoryTransportStore();
    await store.sessions.create('session', { record: '', state: {}, ttlMs: 60_000 });
    let added = false;
    const streams: EventStreams = {
        ...methodsOf(store.streams),
        append: async (...parameters) => {
            const result = await store.streams.append(...parameters);
            if (parameters[2].some(event => event.number === 1) && !added) {
                added = true;
                void wait(turns).then(() => {
                    stream.add('{"last":true}', new Set());
                    stream.close();
                });
            }
            return result;
        }
    };
    const stream = new RequestStream({
        sessionId: 'session',
        streamId: 'node-1',
        streams,
        calls: new StoreCalls(1_000),
        retention,
        wake: () => undefined,
        onfenced: () => undefined,
        onfinished: () => undefined,
        onerror: error => {
            throw error;
        }
    });
    await stream.open(['request']);
    stream.add('{"first":true}', new Set(['request']));
    await setImmediate();
    await stream.flushed();
    const page = await store.streams.read('session', 'node-1', '1', 10);
    return page.status === 'ok' ? { added: page.events.length > 0, closed: page.closed } : { added: false, closed: false };
}

function methodsOf(streams: EventStreams): EventStreams {
    return {
        append: (...parameters) => streams.append(...parameters),
        publish: (...parameters) => streams.publish(...parameters),
        read: (...parameters) => streams.read(...parameters),
        hold: (...parameters) => streams.hold(...parameters),
        release: (...parameters) => streams.release(...parameters)
    };
}

async function wait(turns: number): Promise<void> {
    for (let turn = 0; turn < turns; turn++) {
        await Promise.resolve();
    }
}

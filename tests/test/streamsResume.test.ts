import { expect, test } from 'vitest';
import { begin, call, callTool, del, get, isFinal, toolResult, type WireAnswer, type WireEvent } from './support/mcpRequests.ts';
import { onEveryStore } from './support/onEveryStore.ts';

const version = '2025-11-25';

/** Calls the tool that reports progress. */
function progress(url: string, session: string, args: { steps: number; gate?: string; pauseAt?: number }): Promise<WireAnswer> {
    return call(url, session, 'progress', args, { progressToken: 'p', version });
}

/** What a client has got: the number of each progress notification, and the text of a result. */
function contentOf(events: readonly WireEvent[]): unknown[] {
    return events.flatMap(({ message }) => {
        if (message === undefined) {
            return [];
        }
        return [isFinal(message) ? toolResult(message) : message.params?.['progress']];
    });
}

function numbers(from: number, to: number): number[] {
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

onEveryStore('R14: a stream is resumed at any node, without gap or repetition', start => {
    test('after its end, from every event of it, at every node', async () => {
        const { urls } = await start();
        const session = await begin(urls[0]);
        const events = await (await progress(urls[0], session, { steps: 4 })).all();
        expect(contentOf(events)).toEqual([1, 2, 3, 4, 'progressed on node-1']);
        for (const url of urls) {
            for (const [index, { id: lastEventId }] of events.entries()) {
                const resumed = await get(url, { session, version, lastEventId });
                expect(contentOf(await resumed.all())).toEqual(contentOf(events.slice(index + 1)));
            }
        }
    });

    test('from the first event, before anything was sent, and follows live', async () => {
        const { urls, cluster } = await start();
        for (const [index, url] of urls.entries()) {
            const session = await begin(urls[0]);
            const gate = `gate ${index}`;
            const first = await call(urls[0], session, 'hold', { gate }, { id: 1 });
            const { id: lastEventId, message } = await first.next();
            expect(message).toBeUndefined();
            first.disconnect();
            const resumed = await get(url, { session, version, lastEventId });
            cluster.gates.open(gate);
            expect(contentOf(await resumed.all())).toEqual(['held on node-1']);
        }
    });

    test('again and again while two thousand notifications flow', async () => {
        const { urls } = await start({ maxEventsPerStream: 5_000 });
        const session = await begin(urls[0]);
        const seen: unknown[] = [];
        let stream = await progress(urls[0], session, { steps: 2_000 });
        let lastEventId: string | undefined;
        for (let turn = 1; ; turn++) {
            // Each connection is dropped after some events, whatever of it is still under way.
            for (let i = 0; i < 150 && seen.at(-1) !== 'progressed on node-1'; i++) {
                const event = await stream.next();
                lastEventId = event.id;
                seen.push(...contentOf([event]));
            }
            stream.disconnect();
            if (seen.at(-1) === 'progressed on node-1') {
                break;
            }
            stream = await get(urls[turn % 3] ?? '', { session, version, lastEventId });
            expect(stream.status).toBe(200);
        }
        expect(seen).toEqual([...numbers(1, 2_000), 'progressed on node-1']);
    });

    test('while the first connection still lives: that one is ended, wherever the client goes', async () => {
        const { urls, cluster } = await start();
        for (const [index, url] of urls.entries()) {
            const session = await begin(urls[0]);
            const gate = `gate ${index}`;
            const first = await progress(urls[0], session, { steps: 4, gate, pauseAt: 2 });
            await cluster.gates.arrival(gate);
            const { id: lastEventId } = await first.next();
            const second = await get(url, { session, version, lastEventId });
            expect(contentOf(await first.all())).toEqual([1, 2]);
            const third = await get(urls[(index + 1) % 3] ?? '', { session, version, lastEventId });
            await second.ended();
            cluster.gates.open(gate);
            expect(contentOf(await third.all())).toEqual([1, 2, 3, 4, 'progressed on node-1']);
            expect(contentOf(await second.all())).toEqual([1, 2]);
        }
    });

    test('when the handler ends the connection so that the client polls', async () => {
        const { urls, cluster } = await start({ retryInterval: 7 });
        const [a, b] = urls;
        const session = await begin(a);
        const first = await call(a, session, 'poll', { gate: 'gate' });
        const events = await first.all();
        expect(contentOf(events)).toEqual([]);
        expect(first.retries).toContain(7);
        const polled = await get(b, { session, version, lastEventId: events[0]?.id });
        cluster.gates.open('gate');
        expect(contentOf(await polled.all())).toEqual(['polled on node-1']);
    });

    test('when the handler ends the connection again, wherever the client has gone', async () => {
        const { urls, cluster } = await start({ retryInterval: 7 });
        const [a] = urls;
        for (const [index, url] of urls.entries()) {
            const session = await begin(a);
            const gate = `gate ${index}`;
            const first = await call(a, session, 'poll', { gate, times: 2 });
            const [{ id: lastEventId } = { id: undefined }] = await first.all();
            const second = await get(url, { session, version, lastEventId });
            cluster.gates.open(gate);
            expect(contentOf(await second.all())).toEqual([]);
            expect(second.retries).toContain(7);
            const third = await get(url, { session, version, lastEventId });
            cluster.gates.open(`${gate} 2`);
            expect(contentOf(await third.all())).toEqual(['polled on node-1']);
        }
    });

    test('by clients of older revisions, which get no event before the first message', async () => {
        const { urls, cluster } = await start();
        const [a, b] = urls;
        for (const version of ['2025-03-26', '2025-06-18']) {
            const session = await begin(a, { version });
            const first = await call(a, session, 'progress', { steps: 3, gate: version, pauseAt: 1 }, { progressToken: 'p', version });
            const { message, id: lastEventId } = await first.next();
            expect(message?.params?.['progress']).toBe(1);
            first.disconnect();
            const resumed = await get(b, { session, version, lastEventId });
            cluster.gates.open(version);
            expect(contentOf(await resumed.all())).toEqual([2, 3, 'progressed on node-1']);
        }
    });

    test('with an answer that is longer than what a connection may be behind', async () => {
        const { urls } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const size = 6 * 1024 * 1024;
        const first = await call(a, session, 'big', { size });
        const { id: lastEventId } = await first.next();
        await first.ended();
        const resumed = await get(b, { session, version, lastEventId });
        const content = contentOf(await resumed.all());
        expect(content.map(text => String(text).length)).toEqual([size]);
    });

    test('although the wake-up for what came was lost', async () => {
        const { urls, ways, cluster } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const first = await progress(a, session, { steps: 3, gate: 'gate', pauseAt: 1 });
        const { id: lastEventId } = await first.next();
        const resumed = await get(b, { session, version, lastEventId });
        expect((await resumed.message()).params?.['progress']).toBe(1);
        const waking = ways[0]?.hold('inboxes.send');
        cluster.gates.open('gate');
        await waking?.reached;
        expect(contentOf(await resumed.all())).toEqual([2, 3, 'progressed on node-1']);
        waking?.release();
    });

    test('of a call that is silent for longer than events are kept', async () => {
        const { urls, cluster } = await start({ eventTtlMs: 3_000, sessionTtlMs: 60_000 });
        const [a, b] = urls;
        const session = await begin(a);
        const silent = await call(a, session, 'hold', { gate: 'gate' });
        const { id: lastEventId } = await silent.next();
        await cluster.gates.arrival('gate');
        silent.disconnect();
        // Begun later and over at once, so when this one is forgotten the other has had its time, too.
        const other = await call(a, session, 'whoami');
        const { id: forgotten } = await other.next();
        await expect
            .poll(async () => (await get(b, { session, version, lastEventId: forgotten })).status, { timeout: 10_000, interval: 200 })
            .toBe(400);
        const resumed = await get(b, { session, version, lastEventId });
        expect(resumed.status).toBe(200);
        cluster.gates.open('gate');
        expect(contentOf(await resumed.all())).toEqual(['held on node-1']);
    });
});

onEveryStore('R14: event ids that lead nowhere are refused visibly', start => {
    test('of another session: nothing of it is seen', async () => {
        const { urls } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const other = await begin(a, { at: b });
        const events = await (await progress(a, session, { steps: 2 })).all();
        await callTool(a, session, 'announce', { text: 'private' });
        const stream = await get(b, { session, version });
        const { eventId } = await stream.message();
        stream.disconnect();
        for (const url of urls) {
            for (const lastEventId of [...events.map(({ id }) => id), eventId]) {
                const refused = await get(url, { session: other, version, lastEventId });
                expect(refused.status).toBe(400);
                expect((await refused.json()).error?.message).toContain('Last-Event-ID');
            }
        }
    });

    test('made up', async () => {
        const { urls } = await start();
        const session = await begin(urls[0]);
        const [first] = await (await progress(urls[0], session, { steps: 2 })).all();
        const stream = first?.id?.replace(/\..*$/, '') ?? '';
        const madeUp = [
            'x',
            '.',
            '..',
            '1',
            'a.b.c',
            'stranger-1.0',
            `${stream}-1.0`,
            `${stream}.`.repeat(40),
            `${stream}.x`,
            '%00',
            'null'
        ];
        for (const url of urls) {
            for (const lastEventId of madeUp) {
                expect((await get(url, { session, version, lastEventId })).status, lastEventId).toBe(400);
            }
        }
    });

    test('whose successors are no longer kept, in a call’s stream', async () => {
        const { urls, cluster } = await start({ maxEventsPerStream: 50 });
        const [a, b] = urls;
        const session = await begin(a);
        const running = await progress(a, session, { steps: 400, gate: 'gate', pauseAt: 390 });
        await cluster.gates.arrival('gate');
        const early = [await running.next(), await running.next()];
        for (const { id: lastEventId } of early) {
            const refused = await get(b, { session, version, lastEventId });
            expect(refused.status).toBe(400);
            expect((await refused.json()).error?.message).toContain('no longer kept');
        }
        // Others are.
        let late = await running.next();
        while (late.message?.params?.['progress'] !== 388) {
            late = await running.next();
        }
        running.disconnect();
        cluster.gates.open('gate');
        const resumed = await get(b, { session, version, lastEventId: late.id });
        expect(contentOf(await resumed.all())).toEqual([...numbers(389, 400), 'progressed on node-1']);
    });

    test('whose successors are no longer kept, in the standalone stream', async () => {
        const { urls } = await start({ maxEventsPerStream: 50 });
        const [a, b] = urls;
        const session = await begin(a);
        const first = await get(a, { session, version });
        const { id: beginning } = await first.next();
        await callTool(a, session, 'announce', { text: 'one' });
        const { eventId } = await first.message();
        first.disconnect();
        await callTool(b, session, 'announce', { text: 'many', count: 400 });
        for (const lastEventId of [eventId, beginning]) {
            expect((await get(b, { session, version, lastEventId })).status, lastEventId).toBe(400);
        }
        const fresh = await get(b, { session, version });
        expect(fresh.status).toBe(200);
        fresh.disconnect();
    });

    test('of an answer that was kept long enough', async () => {
        const { urls } = await start({ eventTtlMs: 1_000 });
        const [a, b] = urls;
        const session = await begin(a);
        const [{ id: lastEventId } = { id: undefined }] = await (await progress(a, session, { steps: 2 })).all();
        expect((await get(b, { session, version, lastEventId })).status).toBe(200);
        await expect.poll(async () => (await get(b, { session, version, lastEventId })).status, { timeout: 10_000 }).toBe(400);
    });

    test('of a session that has ended', async () => {
        const { urls } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const [{ id: lastEventId } = { id: undefined }] = await (await progress(a, session, { steps: 2 })).all();
        await del(a, { session, version });
        expect((await get(b, { session, version, lastEventId })).status).toBe(404);
    });

    test('where nothing can be resumed, they are not given out', async () => {
        const { urls } = await start({ resumable: false });
        const [a] = urls;
        const session = await begin(a);
        const events = await (await progress(a, session, { steps: 2 })).all();
        expect(events.map(({ id }) => id)).toEqual([undefined, undefined, undefined]);
    });
});

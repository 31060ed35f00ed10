import { expect, test } from 'vitest';
import { begin, call, callTool, get, toolResult, isFinal, type WireAnswer } from './support/mcpRequests.ts';
import { onEveryStore } from './support/onEveryStore.ts';
import { openSilently } from './support/silentClient.ts';

const version = '2025-11-25';

/** Something that was announced: by whom, as what, and as which of the announcements of that call. */
interface Announcement {
    readonly text: string;
    readonly i: number;
    readonly node: string;
}

function announcementOf(data: unknown): Announcement {
    if (typeof data === 'object' && data !== null && 'text' in data && 'i' in data && 'node' in data) {
        return { text: String(data.text), i: Number(data.i), node: String(data.node) };
    }
    throw new Error(`Not an announcement: ${JSON.stringify(data)}`);
}

async function nextAnnouncement(stream: WireAnswer): Promise<Announcement & { eventId: string | undefined }> {
    const { params, eventId } = await stream.message(message => message.method === 'notifications/message');
    return { ...announcementOf(params?.['data']), eventId };
}

/** Reads announcements until one with the given text, which is left out. */
async function textsUntil(stream: WireAnswer, last: string): Promise<string[]> {
    const texts: string[] = [];
    for (;;) {
        const { text, i } = await nextAnnouncement(stream);
        if (text === last) {
            return texts;
        }
        texts.push(`${text} ${i}`);
    }
}

function announce(url: string, session: string, text: string, count = 1): Promise<unknown> {
    return callTool(url, session, 'announce', { text, count });
}

onEveryStore('R13: messages that belong to no request reach the standalone stream', start => {
    test.for([0, 1, 2])('held at node %i: those of all nodes, each once, in the order of each node', async index => {
        const { urls } = await start();
        const session = await begin(urls[0]);
        const stream = await get(urls[index] ?? '', { session, version });
        await Promise.all(urls.map(url => announce(url, session, 'first', 25)));
        await Promise.all(urls.map(url => announce(url, session, 'second', 25)));
        await announce(urls[1], session, 'end');
        const heard = new Map<string, string[]>();
        for (;;) {
            const { text, i, node } = await nextAnnouncement(stream);
            if (text === 'end') {
                break;
            }
            heard.set(node, [...(heard.get(node) ?? []), `${text} ${i}`]);
        }
        const inOrder = ['first', 'second'].flatMap(text => Array.from({ length: 25 }, (_, i) => `${text} ${i}`));
        expect(Object.fromEntries(heard)).toEqual({ 'node-1': inOrder, 'node-2': inOrder, 'node-3': inOrder });
        stream.disconnect();
    });

    test('the first stream gets what was sent before it', async () => {
        const { urls } = await start();
        const [a, b, c] = urls;
        const session = await begin(a);
        await announce(a, session, 'early', 2);
        await announce(b, session, 'also early');
        const stream = await get(c, { session, version });
        await announce(a, session, 'end');
        expect(await textsUntil(stream, 'end')).toEqual(['early 0', 'early 1', 'also early 0']);
        stream.disconnect();
    });

    test('a stream that was there before any call', async () => {
        const { urls } = await start();
        const [a, b, c] = urls;
        const session = await begin(a);
        const stream = await get(b, { session, version });
        await announce(c, session, 'hello');
        expect(await nextAnnouncement(stream)).toMatchObject({ text: 'hello', node: 'node-3' });
        stream.disconnect();
    });

    test('after a pause, without an event id, a client gets what came since it left, at any node', async () => {
        const { urls, ways } = await start();
        const [a, b, c] = urls;
        const session = await begin(a);
        const first = await get(a, { session, version });
        await announce(b, session, 'before', 2);
        expect(await nextAnnouncement(first)).toMatchObject({ text: 'before', i: 0 });
        expect(await nextAnnouncement(first)).toMatchObject({ text: 'before', i: 1 });
        const left = ways[0]?.done('streams.release');
        first.disconnect();
        await left;
        await announce(b, session, 'meanwhile', 2);
        const second = await get(c, { session, version });
        await announce(a, session, 'end');
        expect(await textsUntil(second, 'end')).toEqual(['meanwhile 0', 'meanwhile 1']);
        second.disconnect();
    });

    test('after a pause, with the id of an event, exactly what followed that event, at any node', async () => {
        const { urls } = await start();
        const session = await begin(urls[0]);
        const first = await get(urls[0], { session, version });
        await announce(urls[1], session, 'a', 5);
        const { id: beginning } = await first.next();
        const ids: (string | undefined)[] = [beginning];
        for (let i = 0; i < 5; i++) {
            ids.push((await nextAnnouncement(first)).eventId);
        }
        expect(new Set(ids).size).toBe(6);
        first.disconnect();
        await announce(urls[2], session, 'end');
        for (const [index, lastEventId] of ids.entries()) {
            const stream = await get(urls[index % 3] ?? '', { session, version, lastEventId });
            expect(await textsUntil(stream, 'end')).toEqual(['a 0', 'a 1', 'a 2', 'a 3', 'a 4'].slice(index));
            stream.disconnect();
        }
    });

    test('the newest stream wins, at the same node and at another', async () => {
        const { urls } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        let newest = await get(a, { session, version });
        for (const url of [b, b, a]) {
            const older = newest;
            newest = await get(url, { session, version });
            await older.ended();
            await announce(a, session, 'end');
            expect(await textsUntil(newest, 'end')).toEqual([]);
        }
        newest.disconnect();
    });

    test('of streams that are opened at the same time one stays, and it alone gets each message once', async () => {
        const { urls } = await start();
        const session = await begin(urls[0]);
        for (let round = 0; round < 5; round++) {
            const streams = await Promise.all([...urls, ...urls].map(url => get(url, { session, version })));
            const ended = streams.map(stream => stream.ended().then(() => stream));
            const over: WireAnswer[] = [];
            ended.forEach(stream => void stream.then(value => over.push(value)));
            await expect.poll(() => over.length).toBe(streams.length - 1);
            const [left] = streams.filter(stream => !over.includes(stream));
            await announce(urls[round % 3] ?? '', session, `round ${round}`, 3);
            await announce(urls[round % 3] ?? '', session, 'end');
            expect(left && (await textsUntil(left, 'end'))).toEqual([0, 1, 2].map(i => `round ${round} ${i}`));
            left?.disconnect();
            await left?.ended();
            // What the last stream has got, the streams of the next round must not get: they begin behind it.
            for (const stream of over) {
                expect((await stream.all()).filter(({ message }) => message !== undefined)).toEqual([]);
            }
        }
    });

    test('a stream that is overtaken before it begins is ended', async () => {
        const { urls, ways, cluster } = await start();
        const [a, b, c] = urls;
        const session = await begin(a);
        const holding = ways[1]?.hold('streams.hold', 'after');
        const overtaken = get(b, { session, version });
        await holding?.reached;
        const newest = await get(c, { session, version });
        await cluster.node(1).event(({ type }) => type === 'stream.displaced');
        holding?.release();
        await (await overtaken).ended();
        await announce(a, session, 'end');
        expect(await textsUntil(newest, 'end')).toEqual([]);
        newest.disconnect();
    });

    test('a client whose connection died silently is not locked out, and the old stream is ended', async () => {
        const { urls } = await start();
        const [a, b, c] = urls;
        const session = await begin(a);
        const silent = await openSilently(a, session);
        const stream = await get(b, { session, version });
        await announce(c, session, 'hello');
        expect(await nextAnnouncement(stream)).toMatchObject({ text: 'hello' });
        expect(await silent.wakeUp()).not.toContain('hello');
        stream.disconnect();
    });

    test('a client that stopped reading a while ago gets the rest elsewhere, and costs its node a bounded amount of memory', async () => {
        const { urls } = await start();
        const [a, b, c] = urls;
        const session = await begin(a);
        const first = await get(a, { session, version });
        const { id: lastEventId } = await first.next();
        first.disconnect();
        const silent = await openSilently(a, session);
        // Four times of what a connection and the answer hold.
        const text = 'x'.repeat(256 * 1024);
        const count = 80;
        await announce(b, session, text, count);
        const stream = await get(c, { session, version, lastEventId });
        await announce(b, session, 'end');
        expect((await textsUntil(stream, 'end')).length).toBe(count);
        expect((await silent.wakeUp()).length).toBeLessThan((count * text.length) / 2);
        stream.disconnect();
    });

    test('messages that come while the stream is being read are neither lost nor doubled', async () => {
        const { urls, ways } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const stream = await get(b, { session, version });
        const reading = ways[1]?.hold('streams.read');
        await announce(a, session, 'one');
        await reading?.reached;
        await announce(a, session, 'two', 3);
        reading?.release();
        await announce(a, session, 'end');
        expect(await textsUntil(stream, 'end')).toEqual(['one 0', 'two 0', 'two 1', 'two 2']);
        stream.disconnect();
    });

    test('a message arrives although the wake-up for it was lost', async () => {
        const { urls, ways } = await start({ sessionTtlMs: 1_000 });
        const [a, b] = urls;
        const session = await begin(a);
        const stream = await get(b, { session, version });
        const waking = ways[0]?.hold('inboxes.send');
        await announce(a, session, 'hello');
        expect(await nextAnnouncement(stream)).toMatchObject({ text: 'hello' });
        waking?.release();
        stream.disconnect();
    });

    test('while the store is down messages fail visibly, and the stream goes on when it is back', async () => {
        const { urls, ways } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const stream = await get(b, { session, version });
        ways.forEach(way => way.cut());
        expect((await call(a, session, 'announce', { text: 'lost' })).status).toBe(503);
        ways.forEach(way => way.mend());
        await announce(a, session, 'hello');
        expect(await nextAnnouncement(stream)).toMatchObject({ text: 'hello' });
        stream.disconnect();
    });

    test('a stream goes on whose reading has failed, with what could not be read', async () => {
        const { urls, ways, cluster } = await start();
        const [a, b] = urls;
        const session = await begin(a);
        const stream = await get(b, { session, version });
        await stream.next();
        const reading = ways[1]?.hold('streams.read');
        await announce(a, session, 'one');
        await reading?.reached;
        ways[1]?.cut();
        reading?.release();
        await expect.poll(() => cluster.node(1).errors).not.toHaveLength(0);
        ways[1]?.mend();
        await announce(a, session, 'two');
        await announce(a, session, 'end');
        expect(await textsUntil(stream, 'end')).toEqual(['one 0', 'two 0']);
        stream.disconnect();
    });

    test('without resumability they are routed just so, without event ids', async () => {
        const { urls, ways } = await start({ resumable: false });
        const [a, b, c] = urls;
        const session = await begin(a);
        await announce(a, session, 'early');
        const stream = await get(b, { session, version });
        expect(await nextAnnouncement(stream)).toEqual({ text: 'early', i: 0, node: 'node-1', eventId: undefined });
        const left = ways[1]?.done('streams.release');
        stream.disconnect();
        await left;
        await announce(a, session, 'meanwhile');
        const next = await get(c, { session, version });
        await announce(b, session, 'end');
        expect(await textsUntil(next, 'end')).toEqual(['meanwhile 0']);
        next.disconnect();
    });

    test('the server ends the stream wherever it is, and the client finds what came meanwhile', async () => {
        const { urls, cluster } = await start({ retryInterval: 5 });
        const [a, b, c] = urls;
        const session = await begin(a);
        const stream = await get(b, { session, version });
        const running = await call(a, session, 'progress', { steps: 2, gate: 'half', pauseAt: 1 }, { progressToken: 'p' });
        const { id } = await running.next();
        const resumed = await get(b, { session, version, lastEventId: id });
        await callTool(a, session, 'closeStandalone');
        await stream.ended();
        expect(stream.retries).toContain(5);
        await announce(a, session, 'meanwhile');
        const next = await get(c, { session, version });
        expect(await nextAnnouncement(next)).toMatchObject({ text: 'meanwhile' });
        // Only that stream was ended, not another that is read at the same node.
        cluster.gates.open('half');
        expect(toolResult(await resumed.message(isFinal))).toBe('progressed on node-1');
        next.disconnect();
    });
});

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { absenceOfServer, titled } from './support/availability.js';
import { findRedis, type TestRedis } from './support/redisServer.js';
import { eventsOf, keepAll, longMs, newSession, openStore, type OpenStore, signal } from './support/stores.js';

describe.skipIf(absenceOfServer)(titled('commands that operations cost', absenceOfServer), () => {
    let redis: TestRedis;
    let opened: OpenStore;

    beforeAll(async () => {
        redis = await findRedis();
        opened = await openStore(redis.url);
        // The first operation looks at the server, and loads the script.
        await opened.store.ping();
    });
    afterAll(async () => {
        opened.close();
        await redis.dispose();
    });

    /** Names of the commands that the client sends while the operation runs, in their order. */
    async function commandsOf(operation: () => Promise<unknown>): Promise<string[]> {
        const { client } = opened;
        const id = String(await client.sendCommand(['CLIENT', 'ID']));
        const address = /addr=(\S+)/.exec(String(await client.sendCommand(['CLIENT', 'LIST', 'ID', id])))?.[1] ?? '';
        const start = randomUUID();
        const end = randomUUID();
        const seen: string[] = [];
        const ended = signal();
        const monitor = client.duplicate();
        monitor.on('error', () => {});
        await monitor.connect();
        try {
            await monitor.monitor(line => {
                const text = String(line);
                if (text.includes(` ${address}]`)) {
                    seen.push(text.includes(end) ? end : text.includes(start) ? start : (/\] "([^"]+)"/.exec(text)?.[1] ?? text));
                }
                if (text.includes(end)) {
                    ended.resolve();
                }
            });
            await client.sendCommand(['ECHO', start]);
            await operation();
            await client.sendCommand(['ECHO', end]);
            await ended.promise;
        } finally {
            monitor.destroy();
        }
        return seen.slice(seen.indexOf(start) + 1, seen.indexOf(end));
    }

    test.each([
        [
            'create',
            ({ store }: OpenStore, id: string) =>
                store.sessions.create(id, newSession({ state: { a: '1', b: '2' }, node: 'n', maxAgeMs: longMs }))
        ],
        ['touch', ({ store }: OpenStore, id: string) => store.sessions.touch(id, { ttlMs: longMs })],
        ['open', ({ store }: OpenStore, id: string) => store.sessions.open(id, { ttlMs: longMs, node: 'n' })],
        ['update', ({ store }: OpenStore, id: string) => store.sessions.update(id, { a: '1', b: '2' })],
        ['append', ({ store }: OpenStore, id: string) => store.streams.append(id, 'a', eventsOf(1, 2, 3), { ...keepAll, close: true })],
        ['publish', ({ store }: OpenStore, id: string) => store.streams.publish(id, 'p', ['1', '2', '3'], keepAll)],
        ['read', ({ store }: OpenStore, id: string) => store.streams.read(id, 'a', undefined, 100)],
        ['hold', ({ store }: OpenStore, id: string) => store.streams.hold(id, 'a', 'holder')],
        ['release', ({ store }: OpenStore, id: string) => store.streams.release(id, 'a', 'holder')],
        ['delete', ({ store }: OpenStore, id: string) => store.sessions.delete(id, {})],
        ['join', ({ store }: OpenStore, id: string) => store.inboxes.join(id, longMs)],
        ['alive', ({ store }: OpenStore, id: string) => store.inboxes.alive([id, 'n1', 'n2'])],
        ['send', ({ store }: OpenStore, id: string) => store.inboxes.send(id, ['1', '2', '3'])]
    ])('%s is one script, sent by its hash', async (_name, operation) => {
        const id = randomUUID();
        await opened.store.sessions.create(id, newSession());
        await opened.store.inboxes.join(id, longMs);
        // Loads the script.
        await operation(opened, randomUUID());

        expect(await commandsOf(() => operation(opened, id))).toEqual(['EVALSHA']);
    });

    test.each([
        ['nodes', 'HKEYS', ({ store }: OpenStore) => store.sessions.nodes('s')],
        ['leave a session', 'HDEL', ({ store }: OpenStore) => store.sessions.leave('s', 'n')],
        ['renew', 'PEXPIRE', ({ store }: OpenStore) => store.inboxes.renew('n', longMs)],
        ['leave', 'UNLINK', ({ store }: OpenStore) => store.inboxes.leave('n')],
        ['ping', 'PING', ({ store }: OpenStore) => store.ping()]
    ])('%s is the one command %s', async (_name, command, operation) => {
        expect(await commandsOf(() => operation(opened))).toEqual([command]);
    });

    test('appends of one tick to one stream are one command', async () => {
        const id = randomUUID();
        await opened.store.sessions.create(id, newSession());

        const commands = await commandsOf(() =>
            Promise.all(Array.from({ length: 100 }, (_, index) => opened.store.streams.append(id, 'a', eventsOf(index), keepAll)))
        );

        expect(commands).toEqual(['EVALSHA']);
    });
});

/** A replica takes the place of its server, behind an address that stays, as managed Redis does it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { InboxSubscription } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { absenceOfProgram, titled } from './support/availability.js';
import { type RedisServer, startProgram } from './support/redisServer.js';
import { keepAll, longMs, newSession, openStore, type OpenStore, signal, storeErrorOf } from './support/stores.js';
import { TcpProxy } from './support/tcpProxy.js';

/** How long the server may take to bring a replica up to date, in milliseconds. */
const replicationMs = 20_000;
const access = { ttlMs: longMs };

describe.skipIf(absenceOfProgram)(titled('a failover', absenceOfProgram), () => {
    let first: RedisServer;
    let replica: RedisServer;
    let address: TcpProxy;
    let opened: OpenStore;
    let admin: { readonly first: OpenStore; readonly replica: OpenStore };
    let subscription: InboxSubscription | undefined;

    beforeEach(async () => {
        // Else the replica is kept waiting for others that might come.
        first = await startProgram(['--repl-diskless-sync-delay', '0']);
        replica = await startProgram(['--replicaof', first.host, String(first.port)]);
        address = await TcpProxy.start(first);
        opened = await openStore(address.url, { reconnectPatienceMs: longMs });
        admin = { first: await openStore(first.url), replica: await openStore(replica.url) };
    });
    afterEach(async () => {
        await subscription?.close();
        subscription = undefined;
        [opened, admin.first, admin.replica].forEach(({ close }) => close());
        await address.close();
        await Promise.all([first.dispose(), replica.dispose()]);
    });

    /** Resolves when the replica has everything. A write makes sure that there is something to wait for. */
    async function replicated(): Promise<void> {
        await admin.first.client.set('replicated', '1');
        expect(await admin.first.client.sendCommand(['WAIT', '1', String(replicationMs)])).toBe(1);
    }

    async function promote(): Promise<void> {
        await admin.replica.client.sendCommand(['REPLICAOF', 'NO', 'ONE']);
        address.retarget(replica);
    }

    test('sessions, streams and inboxes go on where they were', { timeout: 60_000 }, async () => {
        const { sessions, streams, inboxes } = opened.store;
        await sessions.create('s', newSession({ state: { a: '1' }, node: 'node' }));
        await inboxes.join('node', longMs);
        const published = await streams.publish('s', 'stream', ['before'], keepAll);
        const messages: string[] = [];
        const [before, after] = [signal(), signal()];
        subscription = await inboxes.receive(
            'node',
            received => {
                messages.push(...received);
                before.resolve();
                if (messages.includes('after')) {
                    after.resolve();
                }
            },
            () => {}
        );
        expect(await inboxes.send('node', ['before'])).toBe(true);
        await before.promise;
        await replicated();

        await promote();
        await first.stop();
        address.cut();

        expect(await sessions.touch('s', access)).toEqual({ status: 'ok', revision: 1 });
        expect(await sessions.update('s', { b: '2' })).toBe(2);
        expect(await sessions.open('s', access)).toMatchObject({ session: { state: { a: '1', b: '2' } } });
        expect(await inboxes.renew('node', longMs)).toBe(true);
        expect(await inboxes.send('node', ['after'])).toBe(true);
        await after.promise;
        expect(messages.filter(message => message === 'after')).toEqual(['after']);
        const position = published.status === 'ok' ? published.positions[0] : undefined;
        expect(await streams.publish('s', 'stream', ['after'], keepAll)).toMatchObject({ status: 'ok', previous: position });
        expect(await streams.read('s', 'stream', position, 10)).toMatchObject({ status: 'ok', events: [{ data: 'after' }] });
    });

    test('a server that has become a replica is unavailable for writes, until the address leads to the new one', async () => {
        const { sessions } = opened.store;
        await sessions.create('s', newSession());
        await replicated();

        await promote();
        await admin.first.client.sendCommand(['REPLICAOF', replica.host, String(replica.port)]);
        await expect(sessions.update('s', { a: '1' })).rejects.toMatchObject(storeErrorOf('STORE_UNAVAILABLE'));

        address.cut();
        expect(await sessions.update('s', { a: '1' })).toBe(2);
    });
});

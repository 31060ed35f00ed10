import { randomUUID } from 'node:crypto';
import { createCluster } from 'redis';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { RedisTransportStore } from '../src/index.js';
import { KeyLayout } from '../src/keys.js';
import { absenceOfProgram, titled } from './support/availability.js';
import { type RedisClusterServers, startRedisCluster } from './support/redisCluster.js';
import { eventsOf, freshPrefix, keepAll, longMs, newSession, signal, storeErrorOf } from './support/stores.js';

const access = { ttlMs: longMs };
const visibleAscii = String.fromCharCode(...Array.from({ length: 0x7e - 0x21 + 1 }, (_, index) => 0x21 + index));

function openCluster(servers: RedisClusterServers, disableOfflineQueue = false) {
    const cluster = createCluster({
        rootNodes: servers.rootNodes,
        defaults: { socket: { reconnectStrategy: () => 20 }, disableOfflineQueue },
        topologyRefreshOnReconnectionAttemptStrategy: 100
    });
    for (const event of ['error', 'node-error']) {
        cluster.on(event, () => {});
    }
    return cluster;
}

describe.skipIf(absenceOfProgram)(titled('in a cluster', absenceOfProgram), () => {
    let servers: RedisClusterServers;
    let cluster: ReturnType<typeof openCluster>;
    let store: RedisTransportStore;
    let keys: KeyLayout;
    let keyPrefix: string;

    beforeAll(async () => {
        servers = await startRedisCluster();
        return () => servers.dispose();
    });
    beforeEach(async () => {
        cluster = openCluster(servers);
        await cluster.connect();
        keyPrefix = freshPrefix();
        keys = new KeyLayout(keyPrefix);
        store = new RedisTransportStore(cluster, { keyPrefix });
        return () => cluster.destroy();
    });

    async function slotOf(key: string): Promise<number> {
        return Number(await (await cluster.getNodeClientForKey(key)).sendCommand(['CLUSTER', 'KEYSLOT', key]));
    }

    test.each(['}', '{', '{}', '}{', '%7d', 'a}b{c', visibleAscii])('all keys of the session %s lie in one slot', async sessionId => {
        const all = [keys.session(sessionId), keys.streams(sessionId), keys.events(sessionId, 'x'), keys.deletion(sessionId)];
        expect(new Set(await Promise.all(all.map(slotOf))).size).toBe(1);

        await store.sessions.create(sessionId, newSession({ node: 'n' }));
        await store.streams.append(sessionId, 'x', eventsOf(1), keepAll);
        expect(await store.streams.read(sessionId, 'x', undefined, 10)).toMatchObject({ events: [{ position: '1' }] });
        expect(await store.sessions.delete(sessionId, {})).toEqual({ status: 'ok', nodes: ['n'] });
    });

    test('ids that differ only in what is escaped are different sessions', () => {
        expect(new Set(['a}', 'a%7d', 'a%257d', 'a{', 'a'].map(id => keys.session(id))).size).toBe(5);
    });

    test('sessions and inboxes are spread over all servers', async () => {
        const ids = Array.from({ length: 100 }, () => randomUUID());
        await Promise.all(ids.map(id => store.sessions.create(id, newSession())));
        await Promise.all(ids.map(id => store.inboxes.join(id, longMs)));
        for (const { client } of cluster.masters) {
            expect(await client?.keys(`${keys.session('').slice(0, -2)}*`)).not.toEqual([]);
        }
        expect(await store.inboxes.alive([...ids, 'other'])).toEqual(ids);
    });

    test('sessions go on when their slot moves to another server', async () => {
        await store.sessions.create('s', newSession());
        const before = await cluster.getNodeClientForKey(keys.session('s'));
        await servers.moveSlot(await slotOf(keys.session('s')));
        expect(await store.sessions.touch('s', access)).toEqual({ status: 'ok', revision: 1 });
        expect(await cluster.getNodeClientForKey(keys.session('s'))).not.toBe(before);
    });

    test('a delivery goes on when its inbox moves to another server, though nothing else tells the receiver', async () => {
        const node = randomUUID();
        await store.inboxes.join(node, longMs);
        const messages: string[] = [];
        let arrived = signal();
        const onMessages = (more: readonly string[]) => {
            messages.push(...more);
            arrived.resolve();
        };
        const receiving = openCluster(servers);
        await receiving.connect();
        onTestFinished(() => receiving.destroy());
        const receiver = new RedisTransportStore(receiving, { keyPrefix });
        const subscription = await receiver.inboxes.receive(node, onMessages, () => {});
        for (const message of ['here', 'there', 'elsewhere']) {
            arrived = signal();
            await store.inboxes.send(node, [message]);
            await arrived.promise;
            await servers.moveSlot(await slotOf(keys.inbox(node)));
        }
        await subscription.close();
        expect(messages).toEqual(['here', 'there', 'elsewhere']);
    });

    test.each([false, true])('a short interruption does not show, with disableOfflineQueue: %s', async disableOfflineQueue => {
        const interrupted = openCluster(servers, disableOfflineQueue);
        await interrupted.connect();
        onTestFinished(() => interrupted.destroy());
        const { sessions } = new RedisTransportStore(interrupted, { keyPrefix, reconnectPatienceMs: 60_000 });
        await sessions.nodes('s');
        for (const { client } of interrupted.masters) {
            const noticed = new Promise<void>(resolve => client?.once('reconnecting', () => resolve()));
            const id = String(await client?.sendCommand(['CLIENT', 'ID']));
            await client?.sendCommand(['CLIENT', 'KILL', 'ID', id, 'SKIPME', 'no']);
            await noticed;
            const ids = Array.from({ length: 20 }, () => randomUUID());
            expect(await Promise.all(ids.map(sessionId => sessions.create(sessionId, newSession())))).toEqual(ids.map(() => true));
        }
    });

    test('one server down: its sessions are unavailable, those of others go on, and it heals', async () => {
        const ids = Array.from({ length: 30 }, () => randomUUID());
        await Promise.all(ids.map(id => store.sessions.create(id, newSession())));
        const [down] = servers.servers;
        const lies = await Promise.all(ids.map(async id => (await cluster.getNodeClientForKey(keys.session(id))).options.socket));
        const isDown = lies.map(socket => socket !== undefined && 'port' in socket && socket.port === down?.port);
        await down?.stop();

        const answers = await Promise.allSettled(ids.map(id => store.sessions.touch(id, access)));
        for (const [index, answer] of answers.entries()) {
            expect(answer).toMatchObject(
                isDown[index]
                    ? { status: 'rejected', reason: storeErrorOf('STORE_UNAVAILABLE') }
                    : { status: 'fulfilled', value: { status: 'ok' } }
            );
        }
        expect(isDown).toContain(true);
        expect(isDown).toContain(false);
        await expect(store.ping()).rejects.toMatchObject(storeErrorOf('STORE_UNAVAILABLE'));

        await down?.start();
        const touchAll = () => Promise.all(ids.map(id => store.sessions.touch(id, access)));
        const statuses = () => touchAll().then(touched => new Set(touched.map(({ status }) => status)), String);
        await expect.poll(statuses, { timeout: 15_000 }).toEqual(new Set(['ok']));
        await store.ping();
    });
});

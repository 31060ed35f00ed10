import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { RedisTransportStore } from '../src/index.js';
import { checkServer } from '../src/serverCheck.js';
import { absenceOfServer, titled } from './support/availability.js';
import { type RedisServer, startRedisServer } from './support/redisServer.js';
import { eventsOf, keepAll, longMs, newSession, openStore, signal, storeErrorOf } from './support/stores.js';

const access = { ttlMs: longMs };
const unavailable = storeErrorOf('STORE_UNAVAILABLE');

/** Code of the next warning of the process that the store gives. */
function nextWarning(): Promise<unknown> {
    return new Promise(resolve => {
        const listener = (warning: Error) => {
            if ('code' in warning && String(warning.code).startsWith('MCP_REDIS')) {
                process.off('warning', listener);
                resolve(warning.code);
            }
        };
        process.on('warning', listener);
    });
}

describe.skipIf(absenceOfServer)(titled('what happens to the server', absenceOfServer), () => {
    let redis: RedisServer;

    beforeAll(async () => {
        redis = await startRedisServer();
    });
    afterAll(() => redis.dispose());

    async function storeOfTest(options: Parameters<typeof openStore>[1] = {}) {
        const opened = await openStore(redis.url, options);
        onTestFinished(() => opened.close());
        return opened;
    }

    test('stopped: every operation rejects; started again: everything is as before', async () => {
        const { store } = await storeOfTest({ reconnectPatienceMs: 100 });
        await store.sessions.create('s', newSession());
        await store.streams.append('s', 'a', eventsOf(1), keepAll);
        await redis.stop();
        const operations = [
            () => store.sessions.create('s2', newSession()),
            () => store.sessions.touch('s', access),
            () => store.sessions.open('s', access),
            () => store.sessions.update('s', {}),
            () => store.sessions.nodes('s'),
            () => store.sessions.leave('s', 'n'),
            () => store.sessions.delete('s', {}),
            () => store.streams.append('s', 'a', eventsOf(2), keepAll),
            () => store.streams.publish('s', 'p', ['1'], keepAll),
            () => store.streams.read('s', 'a', undefined, 1),
            () => store.streams.hold('s', 'a', 'h'),
            () => store.streams.release('s', 'a', 'h'),
            () => store.inboxes.join('n', longMs),
            () => store.inboxes.renew('n', longMs),
            () => store.inboxes.leave('n'),
            () => store.inboxes.alive(['n']),
            () => store.inboxes.send('n', ['m']),
            () =>
                store.inboxes.receive(
                    'n',
                    () => {},
                    () => {}
                ),
            () => store.ping()
        ];
        for (const operation of operations) {
            await expect(operation()).rejects.toMatchObject(unavailable);
        }
        await redis.start();
        await expect.poll(() => store.ping().then(() => 'answers', String), { timeout: 15_000 }).toBe('answers');
        expect(await store.sessions.touch('s', access)).toEqual({ status: 'ok', revision: 1 });
        expect(await store.streams.read('s', 'a', undefined, 10)).toMatchObject({ status: 'ok', events: [{ position: '1' }] });
    });

    test('told to forget its scripts in the middle of traffic: nothing fails, and the order is kept', async () => {
        const { store, client } = await storeOfTest();
        await store.sessions.create('s', newSession());
        const appends: Promise<unknown>[] = [];
        const publications: Promise<unknown>[] = [];
        for (let number = 0; number < 300; number++) {
            appends.push(store.streams.append('s', 'a', eventsOf(number), keepAll));
            publications.push(store.streams.publish('s', 'p', [`event ${number}`], keepAll));
            if (number % 10 === 0) {
                await client.sendCommand(['SCRIPT', 'FLUSH']);
                await store.sessions.touch('s', access);
            }
        }
        await Promise.all([...appends, ...publications]);
        const expected = Array.from({ length: 300 }, (_, number) => `event ${number}`);
        for (const stream of ['a', 'p']) {
            const read = await store.streams.read('s', stream, undefined, 1_000);
            expect(read.status === 'ok' && read.events.map(({ data }) => data)).toEqual(expected);
        }
    });

    test('an append that is refused takes those behind it along, so that repeating them in order leaves no gap', async () => {
        const { store, client } = await storeOfTest();
        await store.sessions.create('s', newSession());
        await client.configSet('proto-max-bulk-len', '1mb');
        onTestFinished(async () => {
            await client.configSet('proto-max-bulk-len', '512mb');
        });
        const refused = store.streams.append('s', 'a', [{ number: 1, data: 'x'.repeat(2 * 1024 * 1024) }], keepAll);
        const behind = store.streams.append('s', 'a', eventsOf(2), keepAll);
        await expect(refused).rejects.toMatchObject(unavailable);
        await expect(behind).rejects.toMatchObject(unavailable);
        expect(await store.streams.read('s', 'a', undefined, 10)).toEqual({ status: 'unknown' });
    });

    test('out of memory: writing is refused as STORE_FULL, and nothing is lost', async () => {
        const { store, client } = await storeOfTest();
        await store.sessions.create('s', newSession());
        await client.configSet('maxmemory', '1');
        onTestFinished(async () => {
            await client.configSet('maxmemory', '0');
        });
        await expect(store.sessions.create('s2', newSession())).rejects.toMatchObject(storeErrorOf('STORE_FULL'));
        await expect(store.streams.append('s', 'a', eventsOf(1), keepAll)).rejects.toMatchObject(storeErrorOf('STORE_FULL'));
        await client.configSet('maxmemory', '0');
        expect(await store.sessions.touch('s', access)).toEqual({ status: 'ok', revision: 1 });
    });

    test('set to evict keys: the store warns', async () => {
        const admin = await storeOfTest();
        await admin.client.configSet('maxmemory', '1gb');
        await admin.client.configSet('maxmemory-policy', 'allkeys-lru');
        onTestFinished(async () => {
            await admin.client.configSet('maxmemory', '0');
            await admin.client.configSet('maxmemory-policy', 'noeviction');
        });
        const { store } = await storeOfTest();
        const warning = nextWarning();
        await store.sessions.touch('s', access);
        expect(await warning).toBe('MCP_REDIS_EVICTS_SESSIONS');
    });

    async function storeOfUser(username: string, ...permissions: string[]) {
        const { client } = await storeOfTest();
        await client.sendCommand(['ACL', 'SETUSER', username, 'on', '>secret', ...permissions]);
        const ofUser = createClient({ url: redis.url, username, password: 'secret' });
        ofUser.on('error', () => {});
        await ofUser.connect();
        onTestFinished(() => ofUser.destroy());
        return new RedisTransportStore(ofUser);
    }

    test('a user who has the documented permissions can do everything', async () => {
        const permissions = ['+@read', '+@write', '+@scripting', '+@connection', '+time', '+info'];
        const { sessions, streams, inboxes } = await storeOfUser('documented', '~mcp:*', ...permissions);
        await sessions.create('acl', newSession({ node: 'n', maxAgeMs: longMs }));
        await sessions.touch('acl', access);
        await sessions.open('acl', { ...access, node: 'n2' });
        await sessions.update('acl', { a: '1' });
        await sessions.leave('acl', 'n2');
        await streams.append('acl', 'a', eventsOf(1), { ...keepAll, close: true });
        await streams.publish('acl', 'p', ['1'], keepAll);
        await streams.hold('acl', 'p', 'h');
        expect(await streams.read('acl', 'p', undefined, 1)).toMatchObject({ status: 'ok' });
        await streams.release('acl', 'p', 'h');
        expect(await sessions.delete('acl', {})).toEqual({ status: 'ok', nodes: ['n'] });
        await inboxes.join('n', longMs);
        await inboxes.renew('n', longMs);
        expect(await inboxes.alive(['n'])).toEqual(['n']);
        const delivered = signal<readonly string[]>();
        const subscription = await inboxes.receive('n', delivered.resolve, () => {});
        await inboxes.send('n', ['m']);
        expect(await delivered.promise).toEqual(['m']);
        await subscription.close();
        await inboxes.leave('n');
    });

    test('a server that forbids to look at it is taken as it is', async () => {
        const { sessions } = await storeOfUser('uninformed', '~*', '+@all', '-info');
        expect(await sessions.touch('nobody', access)).toEqual({ status: 'missing' });
    });

    test('a user who lacks permissions is told so', async () => {
        const { sessions } = await storeOfUser('poor', '~*', '+@read', '+@connection');
        const denied = sessions.create('s', newSession());
        await expect(denied).rejects.toMatchObject(unavailable);
        await expect(denied).rejects.toThrow('lacks a permission');
    });

    test('a client that is not connected is told from a server that is down', async () => {
        const client = createClient({ url: redis.url });
        const store = new RedisTransportStore(client);
        await expect(store.sessions.touch('s', access)).rejects.toMatchObject(unavailable);
        await expect(store.sessions.touch('s', access)).rejects.toThrow('Connect it');
        await client.connect();
        await expect(store.sessions.touch('s', access)).resolves.toEqual({ status: 'missing' });
        client.destroy();
        await expect(store.sessions.touch('s', access)).rejects.toThrow('Connect it');
    });
});

describe('what the server says of itself', () => {
    const info = (lines: Record<string, string>) => () =>
        Promise.resolve(
            Object.entries({ redis_version: '7.4.0', maxmemory: '0', ...lines })
                .map(([name, value]) => `${name}:${value}\r\n`)
                .join('')
        );

    test.each(['6.2.0', '6.10.1', '7.0.15', '8.6.0', '255.255.255'])('version %s is fine', async redis_version => {
        await expect(checkServer(info({ redis_version }))).resolves.toBeUndefined();
    });

    test.each(['6.0.20', '5.0.14', '4.0.0'])('version %s is too old', async redis_version => {
        await expect(checkServer(info({ redis_version }))).rejects.toMatchObject(storeErrorOf('STORE_MISUSED'));
    });

    test('a server that says nothing is taken as it is', async () => {
        await expect(checkServer(() => Promise.resolve('# nothing'))).resolves.toBeUndefined();
    });
});

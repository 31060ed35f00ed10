import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from 'redis';
import { type RedisServer, startProgram } from './redisServer.js';

/** A Redis Cluster of a test's own: three masters on this machine. */
export interface RedisClusterServers {
    readonly servers: readonly RedisServer[];
    /** For `createCluster()`. */
    readonly rootNodes: { url: string }[];
    /** Stops all servers, runs the function, and starts them again with their data. */
    restart(whileDown: () => Promise<void>): Promise<void>;
    /** Moves a hash slot with its keys from the server that has it to another one. */
    moveSlot(slot: number): Promise<void>;
    dispose(): Promise<void>;
}

const size = 3;
const slotCount = 16_384;
const patienceMs = 30_000;

/** Starts a cluster from the installed Redis program. */
export async function startRedisCluster(): Promise<RedisClusterServers> {
    const settings = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', '--cluster-require-full-coverage', 'no'];
    const servers = await Promise.all(Array.from({ length: size }, () => startProgram(settings)));
    try {
        await Promise.all(
            servers.map(async (server, index) => {
                await command(server, ['CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1)]);
                const from = Math.floor((slotCount * index) / size);
                const to = Math.floor((slotCount * (index + 1)) / size);
                const slots = Array.from({ length: to - from }, (_, offset) => String(from + offset));
                await command(server, ['CLUSTER', 'ADDSLOTS', ...slots]);
            })
        );
        await introduce(servers);
        await agreeing(servers);
    } catch (error) {
        await Promise.all(servers.map(server => server.dispose()));
        throw error;
    }
    return {
        servers,
        rootNodes: servers.map(({ url }) => ({ url })),
        async restart(whileDown) {
            await Promise.all(servers.map(server => server.stop()));
            await whileDown();
            await Promise.all(servers.map(server => server.start()));
            await agreeing(servers);
        },
        moveSlot: slot => moveSlot(servers, slot),
        async dispose() {
            await Promise.all(servers.map(server => server.dispose()));
        }
    };
}

/** Sends one command to one server. */
async function command(server: RedisServer, args: string[]): Promise<unknown> {
    const client = createClient({ url: server.url, RESP: 2 });
    client.on('error', () => {});
    await client.connect();
    try {
        return await client.sendCommand(args);
    } finally {
        client.destroy();
    }
}

async function introduce([first, ...others]: readonly RedisServer[]): Promise<void> {
    if (first !== undefined) {
        await Promise.all(others.map(({ host, port }) => command(first, ['CLUSTER', 'MEET', host, String(port)])));
    }
}

/** Resolves when every server knows all of them and that every slot is served. */
async function agreeing(servers: readonly RedisServer[]): Promise<void> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
        const infos = await Promise.all(servers.map(server => command(server, ['CLUSTER', 'INFO'])));
        const wanted = ['cluster_state:ok', `cluster_known_nodes:${size}`, `cluster_slots_ok:${slotCount}`, `cluster_size:${size}`];
        if (infos.every(info => wanted.every(line => String(info).includes(`${line}\r`)))) {
            return;
        }
        if (Date.now() > deadline) {
            throw new Error(`The Redis Cluster was not ready within ${patienceMs} ms:\n${infos.join('\n')}`);
        }
        await delay(50);
    }
}

async function moveSlot(servers: readonly RedisServer[], slot: number): Promise<void> {
    const ids = await Promise.all(servers.map(async server => String(await command(server, ['CLUSTER', 'MYID']))));
    const owners = await Promise.all(servers.map(async server => String(await command(server, ['CLUSTER', 'NODES'])).split('\n')));
    const from = owners.findIndex((lines, index) =>
        lines.some(
            line =>
                line.startsWith(ids[index] ?? '') &&
                line
                    .split(' ')
                    .slice(8)
                    .some(range => contains(range, slot))
        )
    );
    const to = (from + 1) % size;
    const [source, target] = [servers[from], servers[to]];
    const [sourceId, targetId] = [ids[from], ids[to]];
    if (source === undefined || target === undefined || sourceId === undefined || targetId === undefined) {
        throw new Error(`No server has the slot ${slot}.`);
    }
    await command(target, ['CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', sourceId]);
    await command(source, ['CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', targetId]);
    const keys = await command(source, ['CLUSTER', 'GETKEYSINSLOT', String(slot), '1000']);
    for (const key of Array.isArray(keys) ? keys : []) {
        await command(source, ['MIGRATE', target.host, String(target.port), String(key), '0', '5000']);
    }
    for (const server of [target, source, ...servers]) {
        await command(server, ['CLUSTER', 'SETSLOT', String(slot), 'NODE', targetId]);
    }
}

function contains(range: string, slot: number): boolean {
    const [from = NaN, to = from] = range.split('-').map(Number);
    return from <= slot && slot <= to;
}

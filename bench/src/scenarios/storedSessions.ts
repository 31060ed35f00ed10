import { randomUUID } from 'node:crypto';
import { createClient } from 'redis';
import { BenchSession, WrongAnswerError } from '../client/benchSession.ts';
import { Cluster } from '../cluster.ts';
import { closedLoop, pacedLoad } from '../load.ts';
import { openStore } from '../servers/openStore.ts';
import { summarise } from '../statistics.ts';
import { WORKERS } from './cpuScenario.ts';
import type { Row, Scenario } from './scenario.ts';

const SIZES = [1_000, 1_000_000];
/** Sessions that are written at the same time. */
const PIPELINED = 1_000;
const TTL_MS = 60 * 60_000;
const RATE = 1_500;

/** Whether a call costs the same, however many sessions the store keeps. */
export const storedSessions: Scenario = {
    name: 'stored-sessions',
    title: 'A tool call, at a node whose Redis keeps many other sessions',
    unit: 'µs of server CPU per operation',
    targets: ['redis'],
    measure: async bench => {
        const filled: { size: number; cluster: Cluster; run: (worker: number) => Promise<void>; cpu: number[] }[] = [];
        try {
            for (const [index, full] of SIZES.entries()) {
                const size = index === 0 ? full : Math.ceil(full * bench.effort.scale);
                // A database of its own in the same Redis, so that both sizes are measured under the same conditions.
                const storeUrl = new URL(`/${index + 1}`, bench.places.redisUrl).href;
                bench.progress(`stored-sessions: writing ${size.toLocaleString('en')} sessions`);
                await fill(storeUrl, size);
                const cluster = await Cluster.start(bench.places, { target: 'redis', json: true, storeUrl });
                const sessions = await Promise.all(
                    Array.from({ length: WORKERS }, async () => {
                        const connection = cluster.connect(0);
                        return { connection, session: await BenchSession.begin(connection) };
                    })
                );
                const run = async (worker: number): Promise<void> => {
                    const own = sessions[worker];
                    await own?.session.echo(own.connection);
                };
                filled.push({ size, cluster, run, cpu: [] });
                await closedLoop(run, WORKERS, bench.effort.warmUpMs);
            }
            for (let repetition = 1; repetition <= bench.effort.repetitions; repetition++) {
                bench.progress(`stored-sessions: repetition ${repetition} of ${bench.effort.repetitions}`);
                for (const { cluster, run, cpu } of filled) {
                    const before = await cluster.cpuUs();
                    const done = await pacedLoad(run, WORKERS, RATE, bench.effort.measureMs);
                    cpu.push(((await cluster.cpuUs()) - before) / done);
                }
            }
        } finally {
            await Promise.all(filled.map(({ cluster }) => cluster.stop()));
        }
        return filled.map(({ size, cpu }): Row => ({
            target: 'redis',
            variant: `${size.toLocaleString('en')} sessions stored`,
            measured: summarise(cpu)
        }));
    }
};

async function fill(storeUrl: string, size: number): Promise<void> {
    const { store, close } = await openStore(storeUrl);
    if (store === undefined) {
        throw new Error(`${storeUrl} names no store`);
    }
    try {
        for (let written = 0; written < size; written += PIPELINED) {
            const count = Math.min(PIPELINED, size - written);
            const created = await Promise.all(
                Array.from({ length: count }, () => store.sessions.create(randomUUID(), { record: '{}', state: {}, ttlMs: TTL_MS }))
            );
            if (!created.every(Boolean)) {
                throw new WrongAnswerError('create', created);
            }
        }
    } finally {
        await close();
    }
    const client = createClient({ url: storeUrl });
    await client.connect();
    const keys = await client.dbSize();
    client.destroy();
    if (keys < size) {
        throw new WrongAnswerError(`${size} stored sessions`, keys);
    }
}

import { setTimeout as delay } from 'node:timers/promises';
import { BenchSession } from '../client/benchSession.ts';
import { Cluster } from '../cluster.ts';
import type { ServerHandle } from '../serverHandle.ts';
import { summarise } from '../statistics.ts';
import type { TargetName } from '../targets.ts';
import type { Bench, Row, Scenario } from './scenario.ts';

const SESSIONS = 10_000;
/** Sessions that are begun before memory is looked at for the first time, so that what all share is not counted. */
const FIRST = 200;
/** How often a node is asked whether it has dropped its copies, in milliseconds. */
const LOOK_MS = 250;

/** What a node holds of sessions that nobody uses at the moment. */
export const idleMemory: Scenario = {
    name: 'memory',
    title: `Memory of ${SESSIONS.toLocaleString('en')} idle sessions`,
    unit: 'bytes per session',
    targets: ['upstream', 'memory', 'redis'],
    measure: async bench => {
        const rows: Row[] = [];
        for (const target of bench.targets) {
            bench.progress(`memory: live sessions of ${target}`);
            rows.push({ target, variant: 'live', measured: summarise([await bytesPerSession(bench, target, false)]) });
            if (target === 'redis') {
                bench.progress(`memory: evicted sessions of ${target}`);
                rows.push({ target, variant: 'evicted', measured: summarise([await bytesPerSession(bench, target, true)]) });
            }
        }
        return rows;
    }
};

async function bytesPerSession({ places, effort }: Bench, target: TargetName, evicted: boolean): Promise<number> {
    const sessions = Math.max(FIRST, Math.ceil(SESSIONS * effort.scale));
    const limits = evicted ? { liveSessionIdleMs: 1_000 } : {};
    const cluster = await Cluster.start(places, { target, json: true, nodeOptions: ['--max-old-space-size=8192'], ...limits });
    try {
        const connections = Array.from({ length: 8 }, () => cluster.connect(0));
        const begin = async (count: number): Promise<void> => {
            let left = count;
            await Promise.all(
                connections.map(async connection => {
                    while (left-- > 0) {
                        const session = await BenchSession.begin(connection);
                        await session.echo(connection);
                    }
                })
            );
        };
        await begin(FIRST);
        const before = await settledBytes(cluster.node(0), evicted);
        await begin(sessions);
        return ((await settledBytes(cluster.node(0), evicted)) - before) / sessions;
    } finally {
        await cluster.stop();
    }
}

/** @param evicted waits until the node has dropped all its copies. */
async function settledBytes(node: ServerHandle, evicted: boolean): Promise<number> {
    let now = await node.memory();
    while (evicted && now.liveSessions > 0) {
        await delay(LOOK_MS);
        now = await node.memory();
    }
    return now.bytes;
}

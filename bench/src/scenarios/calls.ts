import { BenchSession } from '../client/benchSession.ts';
import type { Cluster } from '../cluster.ts';
import type { Operation } from '../load.ts';
import { WORKERS, cpuScenario } from './cpuScenario.ts';

/** Calls a second that every target can answer but mcp-use, which is measured at what it can. */
const RATE = 1_500;

export const jsonCalls = cpuScenario({
    name: 'json',
    title: 'A tool call, answered with JSON',
    targets: ['bare', 'upstream', 'transports', 'memory', 'sqlite', 'redis'],
    json: true,
    rate: RATE,
    prepare: calls
});

export const sseCalls = cpuScenario({
    name: 'sse',
    title: 'A tool call, answered with an event stream',
    targets: [
        'bare',
        'upstream',
        'upstream-resumable',
        'transports',
        'memory',
        'memory-resumable',
        'sqlite',
        'redis',
        'redis-resumable',
        'mcp-use'
    ],
    json: false,
    rate: RATE,
    prepare: calls
});

/** The nodes of a server that can share sessions; the unmodified SDK has to do with one. */
const SHARING = 3;

export const hop = cpuScenario({
    name: 'hop',
    title: 'A tool call, each at another of three nodes than the last (the unmodified SDK: one node)',
    targets: ['upstream', 'sqlite', 'redis', 'redis-resumable', 'mcp-use'],
    json: false,
    rate: RATE,
    nodesOf: target => (target === 'upstream' ? 1 : SHARING),
    prepare: calls
});

export const churn = cpuScenario({
    name: 'churn',
    title: 'A whole session: initialize, initialized, a call, DELETE',
    targets: ['upstream', 'transports', 'memory', 'memory-resumable', 'sqlite', 'redis', 'redis-resumable', 'mcp-use'],
    json: false,
    rate: 200,
    prepare: async cluster => {
        const connections = Array.from({ length: WORKERS }, (_, worker) => cluster.connect(worker));
        return async worker => {
            const connection = at(connections, worker);
            const session = await BenchSession.begin(connection);
            await session.echo(connection);
            await session.end(connection);
        };
    }
});

/** Every worker has a session and a connection to each node, and goes round. */
async function calls(cluster: Cluster): Promise<Operation> {
    const workers = await Promise.all(
        Array.from({ length: WORKERS }, async (_, worker) => {
            const connections = cluster.nodes.map((_node, node) => cluster.connect(node));
            return { connections, session: await BenchSession.begin(at(connections, worker)), turn: worker };
        })
    );
    return async worker => {
        const own = at(workers, worker);
        await own.session.echo(at(own.connections, own.turn++));
    };
}

/** The item at an index, counted on from the first after the last. */
function at<T>(items: readonly T[], index: number): T {
    const item = items[index % items.length];
    if (item === undefined) {
        throw new RangeError('There is no item');
    }
    return item;
}

import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFailed, onTestFinished, test } from 'vitest';
import { startNode, processStores } from './support/processCluster.ts';
import type { NodeProcess } from './support/nodeProcess.ts';
import { onEveryStore } from './support/onEveryStore.ts';
import { Nodes, type NodeFate } from './support/workload/nodes.ts';
import { Random } from './support/workload/random.ts';
import { WorkloadClient } from './support/workload/workloadClient.ts';

/** Repeats a run, as far as chance was in the test and not in the machine. */
const seed = Number(process.env['WORKLOAD_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
/** How long each of the tests goes on, in milliseconds. Default: until a fixed number of operations is done. */
const duration = process.env['WORKLOAD_MS'] === undefined ? undefined : Number(process.env['WORKLOAD_MS']);
const SESSIONS = 40;
const OPERATIONS = 15;

/** Lets clients work all at once. @returns what they saw that must not happen. */
async function work(random: Random, nodes: (random: Random) => Nodes): Promise<string[]> {
    const starting = Array.from({ length: SESSIONS }, () => WorkloadClient.start(random.fork(), nodes(random.fork())));
    const clients = await Promise.all(starting);
    const end = Date.now() + (duration ?? 0);
    await Promise.all(
        clients.map(async client => {
            do {
                await client.work(OPERATIONS);
            } while (Date.now() < end);
        })
    );
    await Promise.all(clients.map(client => client.finish()));
    return clients.flatMap(client => client.violations);
}

function printSeed(): void {
    onTestFailed(() => console.error(`To repeat the choices of this run set WORKLOAD_SEED=${seed}`));
}

const timeout = 60_000 + (duration ?? 0);

onEveryStore('forty sessions do random things on random nodes', start => {
    test('no message is lost, doubled, or delivered to another session', { timeout }, async () => {
        printSeed();
        const { urls, cluster } = await start();
        expect(await work(new Random(seed), random => new Nodes(random, urls, 'stay'))).toEqual([]);
        expect(cluster.nodes.flatMap(node => node.errors)).toEqual([]);
    });
});

const fates: readonly { readonly fate: NodeFate; readonly end: (node: NodeProcess) => void }[] = [
    { fate: 'are killed and started again', end: node => void node.kill() },
    { fate: 'are drained and started again', end: node => node.terminate() }
];

describe.each(processStores)('forty sessions do random things on random processes [$name]', kind => {
    test.for(fates)(
        'that $fate: no message is lost, doubled, or delivered to another session',
        { timeout: 2 * timeout },
        async ({ fate, end }) => {
            printSeed();
            const random = new Random(seed);
            const store = await kind.open();
            const options = { nodeLeaseMs: 1_500 };
            const processes = await Promise.all([0, 1, 2].map(index => startNode(store, index, options)));
            const [a, b, c] = processes.map(({ url }) => url);
            const urls = [a ?? '', b ?? '', c ?? ''] as const;

            let isOver = false;
            const replacing = (async (): Promise<number> => {
                const chance = random.fork();
                let count = 0;
                for (; !isOver; count++) {
                    await delay(chance.between(200, 1_500));
                    const index = chance.between(0, 2);
                    const process = processes[index];
                    if (process) {
                        end(process);
                        await process.exited;
                    }
                    await delay(chance.between(0, 500));
                    processes[index] = await startNode(store, index, options, Number(new URL(urls[index] ?? '').port));
                }
                return count;
            })();
            onTestFinished(() => {
                isOver = true;
            });

            const violations = await work(random, own => new Nodes(own, urls, fate));
            isOver = true;
            expect(await replacing).toBeGreaterThan(0);
            expect(violations).toEqual([]);
        }
    );
});

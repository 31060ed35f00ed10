import { Cluster } from '../cluster.ts';
import { closedLoop, pacedLoad, type Operation } from '../load.ts';
import { summarise } from '../statistics.ts';
import type { TargetName } from '../targets.ts';
import type { Bench, Row, Scenario } from './scenario.ts';

/** Connections, each with one request at a time. */
export const WORKERS = 8;

interface CpuScenario {
    readonly name: string;
    readonly title: string;
    readonly targets: readonly TargetName[];
    readonly json: boolean;
    /** Operations per second of the paced load, which all targets can do. */
    readonly rate: number;
    /** Default: one. */
    nodesOf?(target: TargetName): number;
    prepare(cluster: Cluster): Promise<Operation>;
}

interface Runner {
    readonly target: TargetName;
    readonly cluster: Cluster;
    readonly operation: Operation;
    readonly cpu: number[];
    readonly throughput: number[];
}

/**
 * A scenario that compares the CPU time of servers per operation.
 *
 * All servers run from the beginning to the end and are measured in turns, so that whatever else the machine does meets them all. Under
 * the paced load they get the same work in the same time; how much they can do at most is measured apart from it.
 */
export function cpuScenario(options: CpuScenario): Scenario {
    const { name, title, targets, json, rate } = options;
    return {
        name,
        title,
        unit: 'µs of server CPU per operation',
        targets,
        measure: async bench => {
            const runners: Runner[] = [];
            try {
                for (const target of bench.targets) {
                    bench.progress(`${name}: warming up ${target}`);
                    const cluster = await Cluster.start(bench.places, { target, json, nodes: options.nodesOf?.(target) ?? 1 });
                    const runner: Runner = { target, cluster, operation: await options.prepare(cluster), cpu: [], throughput: [] };
                    runners.push(runner);
                    await closedLoop(runner.operation, WORKERS, bench.effort.warmUpMs);
                }
                for (let repetition = 1; repetition <= bench.effort.repetitions; repetition++) {
                    bench.progress(`${name}: repetition ${repetition} of ${bench.effort.repetitions}`);
                    for (const runner of runners) {
                        await measureOnce(runner, rate, bench);
                    }
                }
            } finally {
                await Promise.all(runners.map(({ cluster }) => cluster.stop()));
            }
            return runners.map(rowOf);
        }
    };
}

async function measureOnce({ cluster, operation, cpu, throughput }: Runner, rate: number, { effort }: Bench): Promise<void> {
    throughput.push(await closedLoop(operation, WORKERS, effort.measureMs / 2));
    const before = await cluster.cpuUs();
    const done = await pacedLoad(operation, WORKERS, rate, effort.measureMs);
    cpu.push(((await cluster.cpuUs()) - before) / done);
}

function rowOf({ target, cpu, throughput }: Runner): Row {
    return { target, measured: summarise(cpu), throughput: summarise(throughput) };
}

import { BenchSession, WrongAnswerError } from '../client/benchSession.ts';
import { EventStream } from '../client/eventStream.ts';
import { Cluster } from '../cluster.ts';
import { summarise } from '../statistics.ts';
import type { TargetName } from '../targets.ts';
import type { Bench, Row, Scenario } from './scenario.ts';

/** Open streams, one session each. */
const STREAMS = 500;
/** Rounds of one measurement: in each, every session gets one notification. */
const ROUNDS = 20;

/** Notifications to many clients that listen. */
export const fanOut: Scenario = {
    name: 'fan-out',
    title: `A notification on each of ${STREAMS} standalone streams`,
    unit: 'µs of server CPU per message',
    targets: ['bare', 'upstream', 'transports', 'memory', 'memory-resumable', 'redis-resumable'],
    measure: async bench => {
        const listeners: Listeners[] = [];
        try {
            for (const target of bench.targets) {
                bench.progress(`fan-out: opening streams at ${target}`);
                const all = await Listeners.open(bench, target);
                listeners.push(all);
                const until = performance.now() + bench.effort.warmUpMs / 2;
                while (performance.now() < until) {
                    await all.round();
                }
            }
            for (let repetition = 1; repetition <= bench.effort.repetitions; repetition++) {
                bench.progress(`fan-out: repetition ${repetition} of ${bench.effort.repetitions}`);
                for (const all of listeners) {
                    await all.measure();
                }
            }
        } finally {
            await Promise.all(listeners.map(all => all.close()));
        }
        return listeners.map(all => all.row);
    }
};

class Listeners {
    private readonly target: TargetName;
    private readonly cluster: Cluster;
    private readonly streams: readonly EventStream[];
    private readonly cpu: number[] = [];
    private rounds = 0;

    private constructor(target: TargetName, cluster: Cluster, streams: readonly EventStream[]) {
        this.target = target;
        this.cluster = cluster;
        this.streams = streams;
    }

    static async open({ places, effort }: Bench, target: TargetName): Promise<Listeners> {
        const cluster = await Cluster.start(places, { target, json: false });
        const connection = cluster.connect(0);
        const streams: EventStream[] = [];
        for (let i = 0; i < Math.ceil(STREAMS * effort.scale); i++) {
            const session = await BenchSession.begin(connection);
            const { statusCode, body } = await cluster.connect(0).open('GET', session.id);
            if (statusCode !== 200) {
                throw new WrongAnswerError('GET', statusCode);
            }
            streams.push(new EventStream(body));
        }
        return new Listeners(target, cluster, streams);
    }

    get row(): Row {
        return { target: this.target, measured: summarise(this.cpu) };
    }

    /** One notification to everybody; done when everybody has it. */
    async round(): Promise<void> {
        this.rounds++;
        await this.cluster.node(0).broadcast();
        await Promise.all(this.streams.map(stream => stream.reached(this.rounds)));
        for (const stream of this.streams) {
            const messages = stream.takeMessages();
            if (messages.length !== 1 || !messages[0]?.includes('"news"')) {
                throw new WrongAnswerError('a notification', messages);
            }
        }
    }

    async measure(): Promise<void> {
        const before = await this.cluster.cpuUs();
        for (let round = 0; round < ROUNDS; round++) {
            await this.round();
        }
        this.cpu.push(((await this.cluster.cpuUs()) - before) / (ROUNDS * this.streams.length));
    }

    async close(): Promise<void> {
        this.streams.forEach(stream => stream.cut());
        await this.cluster.stop();
    }
}

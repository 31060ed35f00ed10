import { BenchSession, WrongAnswerError, eventsIn } from '../client/benchSession.ts';
import type { Connection } from '../client/connection.ts';
import { EventStream } from '../client/eventStream.ts';
import { field } from '../json.ts';
import { Cluster } from '../cluster.ts';
import { COUNTED } from '../servers/mcpServer.ts';
import { summarise } from '../statistics.ts';
import type { TargetName } from '../targets.ts';
import type { Bench, Row, Scenario } from './scenario.ts';

/** Operations of one measurement, whose median counts. */
const OPERATIONS = 200;

interface LatencyScenario {
    readonly name: string;
    readonly title: string;
    readonly targets: readonly TargetName[];
    /** What is done at which nodes; each gives a line of the table. @returns milliseconds of what counts. */
    readonly variants: Readonly<Record<string, (cluster: Cluster) => Promise<() => Promise<number>>>>;
}

/** A scenario that compares how long clients wait when nothing else is going on. */
function latencyScenario({ name, title, targets, variants }: LatencyScenario): Scenario {
    return {
        name,
        title,
        unit: 'ms, median',
        targets,
        measure: async bench => {
            const rows: Row[] = [];
            for (const target of bench.targets) {
                bench.progress(`${name}: ${target}`);
                const cluster = await Cluster.start(bench.places, { target, json: false, nodes: 2 });
                try {
                    rows.push(...(await measureVariants(bench, target, cluster, variants)));
                } finally {
                    await cluster.stop();
                }
            }
            return rows;
        }
    };
}

async function measureVariants(
    { effort }: Bench,
    target: TargetName,
    cluster: Cluster,
    variants: LatencyScenario['variants']
): Promise<Row[]> {
    const prepared: { readonly variant: string; readonly operation: () => Promise<number>; readonly medians: number[] }[] = [];
    for (const [variant, prepare] of Object.entries(variants)) {
        prepared.push({ variant, operation: await prepare(cluster), medians: [] });
    }
    const until = performance.now() + effort.warmUpMs / 2;
    while (performance.now() < until) {
        for (const { operation } of prepared) {
            await operation();
        }
    }
    for (let repetition = 0; repetition < effort.repetitions; repetition++) {
        for (const { operation, medians } of prepared) {
            const times: number[] = [];
            for (let i = 0; i < Math.ceil(OPERATIONS * effort.scale); i++) {
                times.push(await operation());
            }
            medians.push(summarise(times).median);
        }
    }
    return prepared.map(({ variant, medians }) => ({ target, variant, measured: summarise(medians) }));
}

/** From the reply to a question of the server until its tool call is answered. */
export const reply = latencyScenario({
    name: 'reply',
    title: 'A reply to a question of the server, until the call that asked is answered',
    targets: ['redis', 'redis-resumable', 'sqlite'],
    variants: {
        'at the node that asks': cluster => replying(cluster, 0),
        'at another node': cluster => replying(cluster, 1)
    }
});

async function replying(cluster: Cluster, node: number): Promise<() => Promise<number>> {
    const asking = cluster.connect(0);
    const answering = cluster.connect(node);
    const session = await BenchSession.begin(asking);
    await session.echo(answering);
    return async () => {
        const message = session.call('ask');
        const { body } = await asking.open('POST', session.id, { message });
        const stream = new EventStream(body);
        await stream.reached(1);
        const [question] = stream.takeMessages();
        const [id] = eventsIn(`data: ${question ?? ''}`).map(message => field(message, 'id'));
        const begun = performance.now();
        const answered = stream.reached(2);
        const { status } = await answering.post({ jsonrpc: '2.0', id, result: { action: 'decline' } }, session.id);
        await answered;
        const elapsed = performance.now() - begun;
        const [result] = stream.takeMessages();
        if (status !== 202 || !result?.includes('"decline"')) {
            throw new WrongAnswerError('a reply', [status, result]);
        }
        return elapsed;
    };
}

/** From the GET with `Last-Event-ID` until everything that was missed is there. */
export const resume = latencyScenario({
    name: 'resume',
    title: `Resuming an answer of ${COUNTED} events and a result after its first event, until the result is there`,
    targets: ['redis-resumable', 'sqlite-resumable'],
    variants: {
        'at the node that answers': cluster => resuming(cluster, 0),
        'at another node': cluster => resuming(cluster, 1)
    }
});

async function resuming(cluster: Cluster, node: number): Promise<() => Promise<number>> {
    const calling = cluster.connect(0);
    const reading = cluster.connect(node);
    const session = await BenchSession.begin(calling);
    await session.echo(reading);
    return async () => {
        const message = session.call('count');
        const { body } = await calling.open('POST', session.id, { message });
        const text = await body.text();
        const firstId = /^id: (.+)$/m.exec(text)?.[1];
        if (firstId === undefined) {
            throw new WrongAnswerError('event ids', text);
        }
        const begun = performance.now();
        const resumed = await readToEnd(reading, session.id, firstId);
        const elapsed = performance.now() - begun;
        if (JSON.stringify(eventsIn(resumed)) !== JSON.stringify(eventsIn(text))) {
            throw new WrongAnswerError('a resumed answer', resumed);
        }
        return elapsed;
    };
}

async function readToEnd(connection: Connection, sessionId: string, lastEventId: string): Promise<string> {
    const { body } = await connection.open('GET', sessionId, { lastEventId });
    return body.text();
}

/** The first call at a node that has nothing of the session, against a second one. */
export const restore = latencyScenario({
    name: 'restore',
    title: 'A call at a node that has nothing of the session yet, and a second one there',
    targets: ['redis', 'redis-resumable', 'sqlite'],
    variants: {
        'cold node': cluster => calling(cluster, 1),
        'warm node': cluster => calling(cluster, 0)
    }
});

async function calling(cluster: Cluster, node: number): Promise<() => Promise<number>> {
    const beginning = cluster.connect(0);
    const connection = cluster.connect(node);
    return async () => {
        const session = await BenchSession.begin(beginning);
        if (node === 0) {
            await session.echo(connection);
        }
        const begun = performance.now();
        await session.echo(connection);
        return performance.now() - begun;
    };
}

import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { parseOwn } from './json.ts';
import type { Scenario, Effort } from './scenarios/scenario.ts';
import type { Places, TargetName } from './targets.ts';

interface CpuProfile {
    readonly nodes: readonly { readonly id: number; readonly callFrame: { readonly functionName: string; readonly url: string } }[];
    readonly samples: readonly number[];
    readonly timeDeltas: readonly number[];
}

/** To which part of a server a function belongs, by the address of its file. The first that fits counts. */
const parts: readonly (readonly [part: string, belongs: (url: string, name: string) => boolean])[] = [
    ['idle', (_, name) => name === '(idle)'],
    ['garbage collection', (_, name) => name === '(garbage collector)'],
    ['writing to and reading from sockets', (_, name) => /^(write\w*String|writev|writeBuffer|readStart|readStop|shutdown)$/.test(name)],
    ['`node:http`', url => /^node:(_http|internal\/http)/.test(url)],
    ['streams and sockets', url => /^node:(net|_stream|internal\/(streams|stream_base|js_stream))/.test(url)],
    ['timers, microtasks, events', url => /^node:(internal\/(timers|process|async)|timers|events)/.test(url)],
    ['validation (zod)', url => url.includes('/zod/')],
    ['transports and HTTP checks', url => /\/server\/(http\/|streamableHttp|webStandardStreamableHttp)/.test(url)],
    ['session layer', url => /\/server\/(session\/|sessionHandler)/.test(url)],
    ['store', url => /transport-store-|\/server\/memory\/|inMemoryTransportStore/.test(url)],
    ['Redis client', url => url.includes('/@redis/') || url.includes('/redis/')],
    ['protocol layer', url => /\/(shared\/protocol|server\/index)\.js$/.test(url)],
    ['web streams, `Request` and `Response`', url => /node:internal\/(webstreams|deps\/undici)|hono/.test(url)],
    ['other parts of Node', url => url.startsWith('node:')],
    ['other', () => true]
];

interface ProfileOptions {
    readonly scenario: Scenario;
    readonly target: TargetName;
    readonly places: Places;
    readonly effort: Effort;
    /** Where the profile is written to. */
    readonly folder: string;
}

/** Runs a scenario on one target under V8's profiler. @returns a Markdown table of what its CPU time went into. */
export async function profile({ scenario, target, places, effort, folder }: ProfileOptions): Promise<string> {
    process.env['NODE_OPTIONS'] = `--cpu-prof --cpu-prof-dir=${folder}`;
    const progress = (text: string): void => console.error(`  ${text}`);
    await scenario.measure({ places, effort: { ...effort, repetitions: 3 }, targets: [target], progress });
    const shares = new Map<string, number>();
    for (const file of await readdir(folder)) {
        if (file.endsWith('.cpuprofile')) {
            addShares(parseOwn<CpuProfile>(await readFile(path.join(folder, file), 'utf8'), ['nodes', 'samples', 'timeDeltas']), shares);
        }
    }
    const idle = shares.get('idle') ?? 0;
    shares.delete('idle');
    const total = [...shares.values()].reduce((sum, time) => sum + time, 0);
    if (total === 0) {
        throw new Error('The server has written no profile');
    }
    const lines = [...shares].toSorted(([, a], [, b]) => b - a).map(([part, time]) => `| ${part} | ${((100 * time) / total).toFixed(1)} |`);
    const busy = Math.round((100 * total) / (total + idle));
    return [`| part | % of the CPU time of ${target} in ${scenario.name} (busy ${busy}% of the time) |`, '| --- | --- |', ...lines].join(
        '\n'
    );
}

function addShares({ nodes, samples, timeDeltas }: CpuProfile, shares: Map<string, number>): void {
    const partOf = new Map(
        nodes.map(({ id, callFrame: { url, functionName } }) => [
            id,
            parts.find(([, belongs]) => belongs(url, functionName))?.[0] ?? 'other'
        ])
    );
    samples.forEach((id, index) => {
        const part = partOf.get(id) ?? 'other';
        shares.set(part, (shares.get(part) ?? 0) + (timeDeltas[index] ?? 0));
    });
}

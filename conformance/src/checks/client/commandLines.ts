import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { CommandError, run } from '../../docker/command.ts';
import { InconclusiveError } from '../../errors.ts';
import type { Check, CheckContext } from '../check.ts';
import { demand } from '../support/demands.ts';
import { nodeAt } from '../support/nodes.ts';
import { recorded, roundRobin } from './throughProxy.ts';

const resolve = createRequire(import.meta.url).resolve;
const inspectorProgram = path.join(
    path.dirname(resolve('@modelcontextprotocol/inspector/package.json')),
    'clients/launcher/build/index.js'
);
const scenariosProgram = path.join(path.dirname(resolve('@modelcontextprotocol/conformance/package.json')), 'dist/index.js');

const commandTimeoutMs = 45_000;
const checkTimeoutMs = 180_000;

/** Does something at one node, and then through the proxy. */
async function compare<T>(
    context: CheckContext,
    action: (url: string) => Promise<T>
): Promise<{ readonly alone: T; readonly together: T }> {
    const { deployment, note } = context;
    note('at one node');
    const alone = await recorded(context, nodeAt(deployment, 0), ({ url }) => action(url));
    note('through the proxy');
    return { alone, together: await recorded(context, roundRobin(deployment), ({ url }) => action(url)) };
}

/** What the Inspector is asked for: what servers offer, something that is done, and something that changes the session. */
const inspections: readonly (readonly string[])[] = [
    ['initialize'],
    ['tools/list'],
    ['tools/call', '--tool-name', 'announce', '--tool-args-json', '{"text":"by the inspector","count":0}'],
    ['resources/list'],
    ['resources/templates/list'],
    ['prompts/list'],
    ['logging/setLevel', '--log-level', 'warning']
];

/** What the Inspector has printed, or how it failed. */
interface Inspection {
    readonly method: string;
    readonly failed: boolean;
    readonly output: unknown;
}

/** @param home where the Inspector keeps what it knows of servers. */
async function inspect(url: string, home: string, [method = '', ...args]: readonly string[]): Promise<Inspection> {
    const command = ['--cli', '--server-url', url, '--transport', 'http', '--format', 'json', '--quiet', '--method', method, ...args];
    try {
        const env = { ...process.env, HOME: home };
        const output: unknown = JSON.parse(
            await run(process.execPath, [inspectorProgram, ...command], { timeoutMs: commandTimeoutMs, env })
        );
        return { method, failed: false, output };
    } catch (error) {
        if (error instanceof CommandError) {
            return { method, failed: true, output: error.output.trim() };
        }
        throw error;
    }
}

const inspector: Check = {
    id: 'client.inspector',
    timeoutMs: checkTimeoutMs,
    exclusive: true,
    async run(context) {
        const home = await mkdtemp(path.join(tmpdir(), 'session-conformance-inspector-'));
        try {
            const { alone, together } = await compare(context, async url => {
                const results: Inspection[] = [];
                for (const inspection of inspections) {
                    results.push(await inspect(url, home, inspection));
                }
                return results;
            });
            demand(!alone.every(({ failed }) => failed), `The Inspector can do nothing, not even at one node: ${describe(alone[0])}`);
            for (const [index, { method, failed, output }] of alone.entries()) {
                const same = failed || isDeepStrictEqual(together[index]?.output, output);
                demand(same, `${method} brings ${describe(alone[index])} at one node, but through the proxy ${describe(together[index])}`);
            }
        } finally {
            await rm(home, { recursive: true });
        }
    }
};

function describe(inspection: Inspection | undefined): string {
    return JSON.stringify(inspection?.output).slice(0, 300);
}

/** How many checks of a scenario went well and badly. */
interface Score {
    readonly passed: number;
    readonly failed: number;
}

const scenarioChecks = z.array(z.looseObject({ status: z.string() }));
const resultFolder = /^server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/;

/** Plays every server scenario. @returns how those went that came to an end, each of which leaves a file. */
async function playScenarios(url: string): Promise<ReadonlyMap<string, Score>> {
    const folder = await mkdtemp(path.join(tmpdir(), 'session-conformance-scenarios-'));
    try {
        const args = [scenariosProgram, 'server', '--url', url, '--suite', 'all', '--output-dir', folder];
        await run(process.execPath, args, { timeoutMs: commandTimeoutMs }).catch((error: unknown) => {
            // It fails if any scenario does, and is ended if one hangs.
            if (!(error instanceof CommandError)) {
                throw error;
            }
        });
        // What was ended with the program has a folder and nothing in it.
        const files = (await readdir(folder, { recursive: true })).filter(file => path.basename(file) === 'checks.json');
        const scores = files.map(async file => {
            const checks = scenarioChecks.parse(JSON.parse(await readFile(path.join(folder, file), 'utf8')));
            const count = (status: string) => checks.filter(check => check.status === status).length;
            const name = path.dirname(file);
            return [resultFolder.exec(name)?.[1] ?? name, { passed: count('SUCCESS'), failed: count('FAILURE') }] as const;
        });
        return new Map(await Promise.all(scores));
    } finally {
        await rm(folder, { recursive: true });
    }
}

const officialScenarios: Check = {
    id: 'client.official-scenarios',
    timeoutMs: checkTimeoutMs,
    exclusive: true,
    async run(context) {
        const { alone, together } = await compare(context, playScenarios);
        const playable = [...alone].filter(([, { passed, failed }]) => passed > 0 && failed === 0).map(([name]) => name);
        if (playable.length === 0) {
            throw new InconclusiveError('None of the scenarios goes well at one node');
        }
        const unreached = playable.filter(name => !together.has(name));
        const spoilt = playable.filter(name => together.has(name) && !isDeepStrictEqual(together.get(name), alone.get(name)));
        const late = `${unreached.length} have no end in ${commandTimeoutMs} ms, the first of which hangs (${unreached.join(', ')})`;
        demand(
            spoilt.length + unreached.length === 0,
            `Of ${playable.length} scenarios that go well at one node, through the proxy ${spoilt.length} do not (${spoilt.join(', ')})${
                unreached.length === 0 ? '' : `, and ${late}`
            }`
        );
    }
};

export const commandLineChecks: readonly Check[] = [inspector, officialScenarios];

/** The runner: what a check's end means, what is run with what, and how a run is judged. */
import { createServer, type Server } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Check, CheckResult, Outcome } from '../src/checks/check.ts';
import type { DeployedNode, Deployment, Driver, NodeSettings } from '../src/drivers/deployment.ts';
import { exitCodeOf } from '../src/cli/exitCodes.ts';
import { HarnessError, InconclusiveError, RequirementNotMetError, UsageError, WaitedInVainError } from '../src/errors.ts';
import type { Fault, Requirement } from '../src/manifest/requirement.ts';
import { requirement } from '../src/manifest/requirements/sources.ts';
import { loadBaseline } from '../src/run/baseline.ts';
import { runTarget, type RunOptions } from '../src/run/runTarget.ts';
import { type LaunchedTarget, loadTarget } from '../src/targets/target.ts';

let server: Server;
let url: string;

beforeAll(async () => {
    server = createServer((_, res) => res.end());
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/mcp`;
});

afterAll(() => {
    server.close();
    server.closeAllConnections();
});

const target: LaunchedTarget = {
    name: 'invented',
    folder: '/',
    description: 'A target for this test',
    command: ['true'],
    store: 'memory',
    nodes: 2,
    environment: {},
    lacks: { ttl: 'it is eternal' }
};

/** A driver whose nodes are all the same HTTP server, and that writes down what is done. */
class InventedDriver implements Driver {
    readonly name = 'process';
    readonly faults: ReadonlySet<Fault> = new Set<Fault>(['configure', 'kill-node', 'pause-node']);
    readonly deeds: string[] = [];
    nodeUrl = url;
    /** What nodes say of themselves, by index. */
    private started = 0;

    start(count: number, settings: NodeSettings): Promise<Deployment> {
        const name = `deployment ${++this.started}`;
        this.deeds.push(`${name}: start ${count} ${JSON.stringify(settings)}`);
        const nodes = Array.from({ length: count }, (_, index) => this.node(`node-${index + 1}`, name));
        const close = () => {
            this.deeds.push(`${name}: close`);
            return Promise.resolve();
        };
        const none = () => Promise.resolve();
        return Promise.resolve({ nodes, faults: this.faults, proxyUrl: undefined, stopStore: none, startStore: none, close });
    }

    private node(id: string, name: string): DeployedNode {
        const deed = (what: string) => () => {
            this.deeds.push(`${name}: ${what} ${id}`);
            return Promise.resolve();
        };
        return {
            id,
            url: this.nodeUrl,
            kill: deed('kill'),
            start: deed('start'),
            stop: () => deed('stop')().then(() => ({ exitCode: 0 })),
            pause: deed('pause'),
            resume: deed('resume'),
            cutStore: deed('cut'),
            joinStore: deed('join'),
            logs: () => Promise.resolve(`${id} speaks`)
        };
    }
}

function req(id: string, data: Partial<Requirement> = {}): Requirement {
    return requirement({ id, title: 'It is so.', source: { rule: 'R1' }, ...data });
}

const pass = () => Promise.resolve();
const failing = () => Promise.reject(new RequirementNotMetError('it is not so'));

async function judge(
    entries: readonly (readonly [Requirement, Omit<Check, 'id'>])[],
    options: Partial<RunOptions> & { driver?: InventedDriver } = {}
) {
    return runTarget({
        target,
        driver: new InventedDriver(),
        baseline: new Map(),
        requirements: entries.map(([requirement]) => requirement),
        checks: entries.map(([{ id }, check]) => ({ id, ...check })),
        seed: 1,
        ...options
    });
}

async function outcomeOf(check: Omit<Check, 'id'>, data?: Partial<Requirement>, driver?: InventedDriver): Promise<CheckResult> {
    const { results } = await judge([[req('session.one', data), check]], driver === undefined ? {} : { driver });
    return results[0]!;
}

describe('the outcome of a check', () => {
    it.each<readonly [string, Outcome, () => Promise<void>]>([
        ['ends well', 'pass', pass],
        ['finds a requirement unmet', 'fail', failing],
        ['waits in vain for nodes that are well', 'fail', () => Promise.reject(new WaitedInVainError('a message', 100))],
        ['can not find out', 'inconclusive', () => Promise.reject(new InconclusiveError('it is too dark'))],
        ['is wrong itself', 'inconclusive', () => Promise.reject(new TypeError('undefined is not a function'))]
    ])('of one that %s is "%s"', async (_, outcome, run) => {
        expect(await outcomeOf({ run })).toMatchObject({ id: 'session.one', outcome });
    });

    it('is "inconclusive" if it waits in vain for nodes that give no sign of life', async () => {
        const driver = new InventedDriver();
        driver.nodeUrl = 'http://127.0.0.1:1/mcp';
        const result = await outcomeOf({ run: () => Promise.reject(new WaitedInVainError('a message', 100)) }, {}, driver);
        expect(result).toMatchObject({ outcome: 'inconclusive', reason: expect.stringContaining('node-1, node-2') as unknown });
    });

    it('is "fail" if it does not end in time', async () => {
        const signals: AbortSignal[] = [];
        const run: Check['run'] = ({ signal }) => {
            signals.push(signal);
            return new Promise(() => {});
        };
        expect(await outcomeOf({ timeoutMs: 50, run })).toMatchObject({
            outcome: 'fail',
            reason: expect.stringMatching(/end of the check/) as unknown
        });
        expect(signals[0]?.aborted).toBe(true);
    });

    it('is "not-applicable" if the target lacks what it needs', async () => {
        expect(await outcomeOf({ run: failing }, { needs: ['ttl'] })).toMatchObject({
            outcome: 'not-applicable',
            reason: expect.stringContaining('it is eternal') as unknown
        });
    });

    it('is "not-run" if there are too few nodes, or a fault is not available', async () => {
        expect(await outcomeOf({ run: failing }, { nodes: 3 })).toMatchObject({ outcome: 'not-run' });
        expect(await outcomeOf({ run: failing }, { faults: ['cut-store'] })).toMatchObject({ outcome: 'not-run' });
    });

    it('comes with the history, and with the logs if it is no success', async () => {
        const note: Check['run'] = async ({ note }) => note('remember');
        expect(await outcomeOf({ run: note })).toMatchObject({ history: [{ type: 'note', text: 'remember' }] });
        expect(await outcomeOf({ run: note })).not.toHaveProperty('logs');
        expect(await outcomeOf({ run: failing })).toMatchObject({ logs: { 'node-1': '', 'node-2': '' } });
    });
});

describe('deployments', () => {
    it('are shared by checks with the same settings that do no harm', async () => {
        const driver = new InventedDriver();
        let atATime = 0;
        let most = 0;
        const run = async () => {
            most = Math.max(most, ++atATime);
            await new Promise(resolve => setImmediate(resolve));
            atATime--;
        };
        await judge(
            [
                [req('session.one'), { run }],
                [req('session.two'), { run }],
                [req('session.three', { faults: ['configure'] }), { run: pass, settings: { auth: 'bearer' } }]
            ],
            { driver }
        );
        expect(most).toBe(2);
        expect(driver.deeds.toSorted()).toEqual([
            'deployment 1: close',
            'deployment 1: start 2 {}',
            'deployment 2: close',
            'deployment 2: start 2 {"auth":"bearer"}'
        ]);
    });

    it('are put right after each check that does something to nodes, which runs alone', async () => {
        const driver = new InventedDriver();
        const faults: Fault[] = ['kill-node', 'pause-node'];
        const { results } = await judge(
            [
                [req('session.kill', { faults }), { run: ({ deployment }) => deployment.nodes[0]!.kill() }],
                [
                    req('session.pause', { faults }),
                    {
                        run: async ({ deployment }) => {
                            await deployment.nodes[1]!.pause();
                            throw new RequirementNotMetError('it is not so');
                        }
                    }
                ]
            ],
            { driver }
        );
        expect(driver.deeds).toEqual([
            'deployment 1: start 2 {}',
            'deployment 1: kill node-1',
            'deployment 1: start node-1',
            'deployment 1: pause node-2',
            'deployment 1: resume node-2',
            'deployment 1: close'
        ]);
        expect(results[0]?.history).toMatchObject([{ type: 'fault', fault: 'kill-node', node: 'node-1', phase: 'begin' }]);
    });

    it('are out of the reach of a check that has ended, and wait for what it has begun', async () => {
        const driver = new InventedDriver();
        const faults: Fault[] = ['kill-node'];
        const later: Promise<unknown>[] = [];
        let checkNext: () => void = () => {};
        const hasteful: Check['run'] = ({ deployment }) => {
            // Goes on after the check has failed.
            later.push(new Promise<void>(resolve => (checkNext = resolve)).then(() => deployment.nodes[1]!.kill()));
            later[0]?.catch(() => undefined);
            void deployment.nodes[0]!.kill();
            throw new RequirementNotMetError('it is not so');
        };
        await judge(
            [
                [req('session.one', { faults }), { run: async context => hasteful(context) }],
                [req('session.two', { faults }), { run: async () => checkNext() }]
            ],
            { driver }
        );
        await expect(later[0]).rejects.toThrow(/The check has ended/);
        expect(driver.deeds).toEqual([
            'deployment 1: start 2 {}',
            'deployment 1: kill node-1',
            'deployment 1: start node-1',
            'deployment 1: close'
        ]);
    });

    it('do not do what the requirement does not declare', async () => {
        const { results } = await judge([[req('session.one'), { run: ({ deployment }) => deployment.nodes[0]!.kill() }]]);
        expect(results).toMatchObject([{ outcome: 'not-run' }]);
    });

    it('are closed if one can not be started, and the run ends', async () => {
        const driver = new InventedDriver();
        driver.start = () => Promise.reject(new HarnessError('no machine'));
        await expect(judge([[req('session.one'), { run: pass }]], { driver })).rejects.toThrow(HarnessError);
    });
});

describe('the verdict', () => {
    const entries = [
        [req('session.good'), { run: pass }],
        [req('session.bad'), { run: failing }],
        [req('session.open'), { run: () => Promise.reject(new InconclusiveError('who knows')) }]
    ] as const;
    const [good, bad, open] = entries;

    it('is that a target conforms which meets everything', async () => {
        expect(await judge([good])).toMatchObject({ verdict: 'conforms' });
    });

    it('is that it fails as known if its failures are those of its baseline', async () => {
        const result = await judge([good, bad], { baseline: new Map([['session.bad', 'known']]) });
        expect(exitCodeOf([result])).toBe(0);
        expect(result).toMatchObject({ verdict: 'fails-as-known', unexpected: [], stale: [], knownFailures: ['session.bad'] });
    });

    it('is that it fails with a failure that is not known', async () => {
        expect(await judge([good, bad])).toMatchObject({ verdict: 'fails', unexpected: ['session.bad'] });
    });

    it('is that it fails with a known failure that is none any more, or of a requirement that does not exist', async () => {
        const baseline = new Map([
            ['session.good', 'outdated'],
            ['session.gone', 'outdated']
        ]);
        expect(await judge([good], { baseline })).toMatchObject({ verdict: 'fails', stale: ['session.good', 'session.gone'] });
    });

    it('takes a known failure that comes and goes as it comes, unless there is no such requirement', async () => {
        const flaky = { flaky: 'a race' };
        const baseline = new Map([
            ['session.good', flaky],
            ['session.bad', flaky]
        ]);
        expect(await judge([good, bad], { baseline })).toMatchObject({ verdict: 'fails-as-known', unexpected: [], stale: [] });
        expect(await judge([good], { baseline: new Map([['session.gone', flaky]]) })).toMatchObject({ stale: ['session.gone'] });
    });

    it('calls nothing stale of which nothing was learnt', async () => {
        const baseline = new Map([
            ['session.bad', 'known'],
            ['session.open', 'known']
        ]);
        expect(await judge(entries, { baseline, only: '*.good,*.open' })).toMatchObject({ verdict: 'fails-as-known', stale: [] });
    });

    it('is inconclusive if a check was, and nothing failed', async () => {
        expect(await judge([good, open])).toMatchObject({ verdict: 'inconclusive' });
        expect(await judge(entries)).toMatchObject({ verdict: 'fails' });
    });

    it('is none if nothing is selected', async () => {
        await expect(judge([good], { only: 'nothing.*' })).rejects.toThrow(UsageError);
    });
});

describe('a description of a target', () => {
    const folders: string[] = [];

    afterEach(async () => {
        await Promise.all(folders.splice(0).map(folder => rm(folder, { recursive: true })));
    });

    async function write(files: Record<string, unknown>): Promise<string> {
        const folder = await mkdtemp(path.join(tmpdir(), 'session-conformance-target-'));
        folders.push(folder);
        for (const [name, content] of Object.entries(files)) {
            await writeFile(path.join(folder, name), JSON.stringify(content));
        }
        return folder;
    }

    it('may be a file of anybody, with a baseline beside it', async () => {
        const folder = await write({
            'mine.json': { description: 'Mine', command: ['./serve'], store: 'postgres://user:pw@localhost/db', baseline: 'known.json' },
            'known.json': { knownFailures: { 'session.one': 'not yet' } }
        });
        const mine = await loadTarget(path.join(folder, 'mine.json'));
        expect(mine).toMatchObject({ name: 'mine', folder, nodes: 3, store: 'postgres://user:pw@localhost/db' });
        expect(await loadBaseline(mine)).toEqual(new Map([['session.one', 'not yet']]));
    });

    it('may be a list of URLs', async () => {
        const folder = await write({
            'theirs.json': { description: 'Theirs', urls: ['https://a.example/mcp'], settings: { auth: 'bearer' } }
        });
        expect(await loadTarget(path.join(folder, 'theirs.json'))).toMatchObject({
            urls: ['https://a.example/mcp'],
            settings: { auth: 'bearer' }
        });
    });

    it.each([
        ['has no way to run it', { description: 'x', store: 'redis' }, /command or an image/],
        ['has a member that is misspelt', { description: 'x', comand: ['x'], store: 'redis' }, /comand/],
        ['lacks what is no feature', { description: 'x', command: ['x'], store: 'redis', lacks: { speed: 'slow' } }, /lacks/]
    ])('is refused if it %s', async (_, content, message) => {
        const folder = await write({ 'wrong.json': content });
        const loading = loadTarget(path.join(folder, 'wrong.json'));
        await expect(loading).rejects.toThrow(UsageError);
        await expect(loading).rejects.toThrow(message);
    });

    it('is found by name, or else the names are told', async () => {
        expect(await loadTarget('redis')).toMatchObject({ name: 'sdk-redis' });
        await expect(loadTarget('nobody')).rejects.toThrow(/sdk-redis/);
    });
});

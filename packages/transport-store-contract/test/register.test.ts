import { spawnSync } from 'node:child_process';
import path from 'node:path';
import type * as nodeTest from 'node:test';
import { InMemoryTransportStore } from '@modelcontextprotocol/sdk/server/inMemoryTransportStore.js';
import type { TransportStore } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { describe, expect, test } from 'vitest';
import {
    contractCases,
    registerTransportStoreContract,
    runCase,
    type StoreBackend,
    type StoreCapability,
    type TestRunner
} from '../src/index.js';

function backendOf(store: TransportStore, capabilities: readonly StoreCapability[]): StoreBackend {
    return { capabilities, open: async () => ({ store, close: async () => {} }) };
}

/** What is made of the cases of a backend by a test runner. */
function register(backend: StoreBackend) {
    const run: string[] = [];
    const skipped: string[] = [];
    registerTransportStoreContract(
        {
            describe: (_name, body) => body(),
            test: Object.assign((name: string) => void run.push(name), { skip: (name: string) => void skipped.push(name) })
        },
        backend
    );
    return { run, skipped };
}

const { sessions, streams, inboxes } = new InMemoryTransportStore();
const ping = async () => {};

/** The type of the runner fits that of node:test, too. */
export const fromNode = ({ describe, test }: Pick<typeof nodeTest, 'describe' | 'test'>): TestRunner => ({ describe, test });

describe('registering the contract', () => {
    test('makes a test of each case, which is skipped visibly if the backend does not offer what it needs', () => {
        for (const capabilities of [[], ['streams'], ['inboxes'], ['streams', 'inboxes']] as const) {
            const { run, skipped } = register(backendOf({ sessions, ping }, capabilities));
            const runnable = contractCases.filter(({ needs }) =>
                needs.every(need => need !== 'restart' && capabilities.some(has => has === need))
            );
            expect(run).toEqual(runnable.map(({ id, rule }) => `${id}: ${rule}`));
            expect(skipped).toHaveLength(contractCases.length - runnable.length);
        }
    });

    test('says in the name of a skipped test what was missing', () => {
        const { skipped } = register(backendOf({ sessions, ping }, []));
        expect(skipped).toContainEqual(expect.stringMatching(/^streams\.close\.race: .* \[not run: the backend does not offer streams\]$/));
        expect(skipped).toContainEqual(expect.stringMatching(/^restart\.ping: .* \[not run: the backend does not offer restart\]$/));
        expect(skipped).toContainEqual(
            expect.stringMatching(/^restart\.leases: .* \[not run: the backend does not offer restart, inboxes\]$/)
        );
    });

    test('works with node:test', () => {
        const file = path.join(import.meta.dirname, 'support/nodeTestRunner.mjs');
        const { stdout, status } = spawnSync(process.execPath, ['--test', '--test-reporter=tap', file], {
            encoding: 'utf8',
            env: { ...process.env, NODE_OPTIONS: '' }
        });
        const skipped = contractCases.filter(({ needs }) => needs.includes('restart')).length;
        const summary = Object.fromEntries(
            [...stdout.matchAll(/^# (pass|fail|skipped) (\d+)$/gm)].map(([, what, count]) => [`${what}`, Number(count)] as const)
        );
        expect(summary).toEqual({ pass: contractCases.length - skipped, fail: 0, skipped });
        expect(status).toBe(0);
    });
});

describe('a backend that does not tell the truth about its capabilities', () => {
    test.each([
        ['keeps one quiet', { sessions, streams, inboxes, ping }, ['streams']],
        ['claims one', { sessions, streams, ping }, ['streams', 'inboxes']]
    ] as const)('and %s fails every case', async (_what, store, capabilities) => {
        for (const contractCase of contractCases.slice(0, 5)) {
            await expect(runCase(contractCase, backendOf(store, capabilities))).rejects.toThrow('says that its store has the capabilities');
        }
    });
});

test('handles are closed after a case, also after one that failed', async () => {
    let open = 0;
    const backend = (store: TransportStore): StoreBackend => ({
        capabilities: [],
        async open() {
            open += 1;
            return { store, close: async () => void (open -= 1) };
        }
    });
    const [ping] = contractCases;
    await runCase(ping!, backend({ sessions, ping: async () => {} }));
    expect(open).toBe(0);
    await expect(runCase(ping!, backend({ sessions, ping: () => Promise.reject(new Error('down')) }))).rejects.toThrow();
    expect(open).toBe(0);
});

test('a case that uses what it does not say it needs fails', async () => {
    const backend = backendOf({ sessions, ping }, []);
    const lying = (run: (typeof contractCases)[number]['run']) => runCase({ id: 'lying', rule: '', needs: [], run }, backend);
    await expect(lying(async ({ one }) => void one.streams)).rejects.toThrow('uses streams');
    await expect(lying(async ({ restart }) => restart(async () => {}))).rejects.toThrow('does not say that it needs to');
});

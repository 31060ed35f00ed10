/**
 * One MCP session on three processes behind a round-robin proxy, with the unmodified SDK and with this fork side by side.
 * Ends with exit code 0 if every step of the session works with the fork.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { styleText } from 'node:util';
import { conversation } from './conversation.ts';
import { Lane } from './lane.ts';
import { outcomeOf, type Outcome } from './outcome.ts';
import { Table } from './table.ts';

const servers = path.join(import.meta.dirname, 'servers');
const folder = await mkdtemp(path.join(tmpdir(), 'mcp-sessions-demo-'));
const upstream = new Lane(path.join(servers, 'mapOfTransports.ts'));
/** Whoever sets it to `:memory:` gives each process a store of its own, and sees what sharing it is good for. */
const store = process.env['DEMO_STORE'] ?? path.join(folder, 'sessions.db');
const fork = new Lane(path.join(servers, 'sharedSessions.ts'), { DEMO_STORE: store });
const interruption = new AbortController();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
        interruption.abort();
        void cleanUp('kill').finally(() => process.exit(128 + constants.signals[signal]));
    });
}

try {
    process.exitCode = await run();
} catch (error) {
    if (!interruption.signal.aborted) {
        throw error;
    }
} finally {
    if (!interruption.signal.aborted) {
        await cleanUp('stop');
    }
}

/** @returns the exit code. */
async function run(): Promise<number> {
    const begun = performance.now();
    console.log('One MCP session on three server processes behind a round-robin proxy, with the client of the SDK.\n');
    await Promise.all([upstream.start(), fork.start()]);

    const table = new Table();
    table.head('SDK 1.32.2 with its Map', 'this fork with SQLite');
    const outcomes: { readonly title: string; readonly left: Outcome; readonly right: Outcome }[] = [];
    for (const step of conversation) {
        const [left, right] = await Promise.all([outcomeOf(step, upstream), outcomeOf(step, fork)]);
        interruption.signal.throwIfAborted();
        table.row(step.title, left, right);
        outcomes.push({ title: step.title, left, right });
    }

    const worked = (side: 'left' | 'right'): string => `${outcomes.filter(outcome => outcome[side].ok).length} of ${outcomes.length} steps`;
    const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
    console.log('\nA client stops at the first ✗. This one goes on, to show the rest.');
    console.log(`The unmodified SDK: ${worked('left')}. Only node-1 knows its session.`);
    console.log(styleText('bold', `This fork: ${worked('right')}. (${seconds} s)`));
    const failures = outcomes.filter(({ right }) => !right.ok);
    for (const { title, right } of failures) {
        console.error(`\n${title}:`, right.error ?? right.detail);
    }
    return failures.length === 0 ? 0 : 1;
}

async function cleanUp(how: 'stop' | 'kill'): Promise<void> {
    await Promise.all([upstream.end(how), fork.end(how)]);
    await rm(folder, { recursive: true, force: true });
}

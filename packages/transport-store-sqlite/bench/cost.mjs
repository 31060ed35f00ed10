/**
 * What the store's operations cost on this machine: `node packages/transport-store-sqlite/bench/cost.mjs [sessions]`, on the built
 * package. CPU time is that of the process, so it counts the timers and promises around SQLite too.
 */
import { SqliteTransportStore } from '@modelcontextprotocol/transport-store-sqlite';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { clearInterval, setInterval } from 'node:timers';
import { setTimeout as delay } from 'node:timers/promises';

const sessionCount = Number(process.argv[2] ?? 1000);
const ttlMs = 1_800_000;
const retention = { ttlMs: 300_000, maxEvents: 1000 };
const data = 'x'.repeat(300);

const folder = mkdtempSync(path.join(tmpdir(), 'sqlite-store-cost-'));
const store = new SqliteTransportStore(path.join(folder, 'store.db'));
const otherProcessLike = new SqliteTransportStore(path.join(folder, 'store.db'));

/**
 * @param {string} name
 * @param {number} count
 * @param {(index: number) => Promise<unknown>} operation
 * @param {number} [concurrency] operations started together
 */
async function measure(name, count, operation, concurrency = 1) {
    const run = async (/** @type {number} */ from, /** @type {number} */ to) => {
        for (let index = from; index < to; index += concurrency) {
            await Promise.all(Array.from({ length: concurrency }, (_, offset) => operation(index + offset)));
        }
    };
    await run(0, count / 5);
    const cpu = process.cpuUsage();
    const start = performance.now();
    await run(count / 5, count);
    const { user, system } = process.cpuUsage(cpu);
    const operations = count * 0.8;
    const wall = ((performance.now() - start) * 1000) / operations;
    console.log(`${name.padEnd(52)} ${((user + system) / operations).toFixed(1).padStart(8)} µs CPU ${wall.toFixed(1).padStart(8)} µs`);
}

// The store's own timers keep no process alive.
const keepAlive = setInterval(() => {}, 1000);
const idOf = (/** @type {number} */ index) => `session-${(index * 7919) % sessionCount}`;
try {
    const session = { record: 'r'.repeat(600), state: { level: 'info' }, node: 'node-1', ttlMs };
    for (let index = 0; index < sessionCount; index += 1000) {
        const size = Math.min(1000, sessionCount - index);
        await Promise.all(Array.from({ length: size }, (_, offset) => store.sessions.create(`session-${index + offset}`, session)));
    }
    console.log(`${sessionCount} sessions, Node ${process.version}`);
    await measure('touch within the slack (reads)', 50_000, index => store.sessions.touch(idOf(index), { ttlMs }));
    await measure('touch within the slack, 1000 sessions in use', 50_000, index => store.sessions.touch(idOf(index % 1000), { ttlMs }));
    await measure('touch that renews (writes)', 5000, index => store.sessions.touch(idOf(index), { ttlMs: ttlMs + (index + 1) * 10_000 }));
    await measure('the same, 50 together', 20_000, index => store.sessions.touch(idOf(index), { ttlMs: 1e9 + index * 10_000 }), 50);
    await measure('open', 5000, index => store.sessions.open(idOf(index), { ttlMs, node: 'node-2' }));
    await measure('update', 5000, index => store.sessions.update(idOf(index), { level: String(index) }));
    await measure('append to a new stream', 5000, index =>
        store.streams.append(idOf(index), `new-${index}`, [{ number: 0, data }], { ...retention, close: true })
    );
    await measure('append to one stream', 5000, index => store.streams.append(idOf(1), 'one', [{ number: index, data }], retention));
    await measure(
        'the same, 50 together',
        50_000,
        index => store.streams.append(idOf(1), 'one', [{ number: index + 5000, data }], retention),
        50
    );
    await measure('publish', 5000, () => store.streams.publish(idOf(2), 'standalone', [data], retention));
    await measure('read 10 events', 20_000, () => store.streams.read(idOf(2), 'standalone', '4500', 10));

    await store.inboxes.join('a', 60_000);
    await otherProcessLike.ping();
    /** @type {(() => void) | undefined} */
    let received;
    const subscription = await otherProcessLike.inboxes.receive('a', () => received?.(), console.error);
    await measure('send and receive on another connection (polling)', 200, async () => {
        const arrival = new Promise(resolve => (received = () => resolve(undefined)));
        await store.inboxes.send('a', [data]);
        await arrival;
    });
    await delay(500);
    const cpu = process.cpuUsage();
    await delay(5000);
    const { user, system } = process.cpuUsage(cpu);
    await subscription.close();
    const before = process.cpuUsage();
    await delay(5000);
    const after = process.cpuUsage(before);
    console.log(
        `Idle with a subscription: ${((user + system) / 50_000).toFixed(2)}% of a CPU; without: ${((after.user + after.system) / 50_000).toFixed(2)}%`
    );
} finally {
    await otherProcessLike.close();
    await store.close();
    clearInterval(keepAlive);
    rmSync(folder, { recursive: true });
}

/**
 * A process that shares a file with others: `node storeProcess.ts <file> <task> <parameters>`. It says `ready`, waits for a line on its
 * standard input, does its task, and writes the results, a line each. It uses the built package, as any server does.
 */
import { SqliteTransportStore } from '@modelcontextprotocol/transport-store-sqlite';
import { createInterface } from 'node:readline';

const longMs = 600_000;
const keepAll = { ttlMs: longMs, maxEvents: 100_000 };
const [file = '', task = '', ...parameters] = process.argv.slice(2);
const [first = '', second = '', third = ''] = parameters;
const store = new SqliteTransportStore(file, { pollIntervalMs: 5, sweepIntervalMs: 50 });

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const tasks: Record<string, () => Promise<readonly string[]>> = {
    /** Makes the tables if there are none. */
    async open() {
        await store.ping();
        return [];
    },

    /** Creates sessions of the given names. Results: which of them this process has created. */
    async create() {
        const created = [];
        for (const id of parameters) {
            if (await store.sessions.create(id, { record: `of ${process.pid}`, state: {}, ttlMs: longMs })) {
                created.push(id);
            }
        }
        return created;
    },

    /** Updates a field of a session a number of times. Results: the revisions. */
    async update() {
        const revisions = [];
        for (const count of range(Number(third))) {
            revisions.push(String(await store.sessions.update(first, { [second]: String(count) })));
        }
        return revisions;
    },

    /** Publishes a number of events, named after the process, without waiting in between. Results: their positions. */
    async publish() {
        const answers = await Promise.all(
            range(Number(third)).map(count => store.streams.publish(first, 'stream', [`${second} ${count}`], keepAll))
        );
        return answers.flatMap(answer => (answer.status === 'ok' ? answer.positions : [answer.status]));
    },

    /** Closes streams with an event of its own. Results: the streams that this process has closed. */
    async close() {
        const closed = [];
        for (const stream of parameters.slice(2)) {
            const answer = await store.streams.append(first, stream, [{ number: 1, data: second }], { ...keepAll, close: true });
            if (answer.status === 'ok') {
                closed.push(stream);
            }
        }
        return closed;
    },

    /** Sends a number of messages, named after the process, to a node without waiting in between. Results: those that were refused. */
    async send() {
        const messages = range(Number(third)).map(count => `${second} ${count}`);
        const accepted = await Promise.all(messages.map(message => store.inboxes.send(first, [message])));
        return messages.filter((_, index) => !accepted[index]);
    },

    /** Does everything at once for a number of rounds. Results: the failures. */
    async useHard() {
        const node = `node-${first}`;
        const failures: string[] = [];
        await store.inboxes.join(node, longMs);
        const subscription = await store.inboxes.receive(
            node,
            () => {},
            error => failures.push(error.message)
        );
        for (const round of range(Number(second))) {
            const id = `${first}-${round}`;
            await store.sessions
                .create(id, { record: 'record', state: {}, ttlMs: longMs, node })
                .catch((error: unknown) => failures.push(String(error)));
            const results = await Promise.allSettled([
                store.sessions.touch(id, { ttlMs: longMs * 2 }),
                store.sessions.touch('shared', { ttlMs: longMs + round * 2000 }),
                store.sessions.update('shared', { [first]: String(round) }),
                store.sessions.open('shared', { ttlMs: longMs, node }),
                store.streams.publish('shared', 'stream', [`${first} ${round}`], { ttlMs: longMs, maxEvents: 50 }),
                store.streams.append(id, 'stream', [{ number: 1, data: 'event' }], { ...keepAll, close: true }),
                store.streams.read('shared', 'stream', undefined, 100),
                store.streams.hold('shared', 'stream', node),
                store.inboxes.send(node, ['message']),
                store.inboxes.renew(node, longMs),
                store.sessions.delete(id, {})
            ]);
            failures.push(...results.flatMap(result => (result.status === 'rejected' ? [String(result.reason)] : [])));
        }
        await subscription.close();
        return failures;
    },

    /** Appends events to a stream until the process is killed, and says the number of each that is in the store. */
    async appendForever() {
        for (let number = 0; ; number++) {
            const text = `event ${number} `.padEnd(500, '.');
            const answer = await store.streams.append(first, second, [{ number, data: text }], keepAll);
            say(answer.status === 'ok' ? String(number) : answer.status);
        }
    },

    /** Leaves everything open. The process is to end nevertheless. */
    async leaveOpen() {
        await store.inboxes.join('node', longMs);
        await store.inboxes.receive(
            'node',
            () => {},
            () => {}
        );
        return [];
    }
};

say('ready');
const input = createInterface({ input: process.stdin });
input.once('line', () => {
    input.close();
    process.stdin.destroy();
    void (tasks[task] ?? (() => Promise.reject(new Error(`There is no task "${task}".`))))().then(async results => {
        results.forEach(say);
        if (task !== 'leaveOpen') {
            await store.close();
        }
    });
});

import { expect, test } from 'vitest';
import { runTogether, startProcess } from './support/storeProcesses.js';
import { longMs, newSession, keepAll, testFile } from './support/stores.js';

const names = ['a', 'b', 'c', 'd'];
const range = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

test('processes that open a new file at the same time all find its tables', async () => {
    for (let round = 0; round < 3; round++) {
        const file = testFile();
        await runTogether(
            file.path,
            names.map(() => ['open'])
        );
        await file.open().ping();
    }
});

test('of processes that create the same sessions exactly one creates each', async () => {
    const file = testFile();
    const ids = range(200).map(index => `session-${index}`);
    const created = await runTogether(
        file.path,
        names.map(() => ['create', ...ids])
    );
    expect(created.flat().sort()).toEqual([...ids].sort());
});

test('no update is lost when processes update one session', async () => {
    const file = testFile();
    const { sessions } = file.open();
    await sessions.create('session', newSession());
    const revisions = await runTogether(
        file.path,
        names.map(name => ['update', 'session', name, '200'])
    );
    expect(
        revisions
            .flat()
            .map(Number)
            .sort((a, b) => a - b)
    ).toEqual(range(800).map(index => index + 2));
    expect(await sessions.open('session', { ttlMs: longMs })).toMatchObject({
        session: { revision: 801, state: { a: '199', b: '199', c: '199', d: '199' } }
    });
});

test('what processes publish to one stream gets positions of its own, in the order of each of them', async () => {
    const file = testFile();
    const { sessions, streams } = file.open();
    await sessions.create('session', newSession());
    const positions = await runTogether(
        file.path,
        names.map(name => ['publish', 'session', name, '250'])
    );
    const read = await streams.read('session', 'stream', undefined, 2000);
    const events = read.status === 'ok' ? read.events : [];
    expect(events.map(({ position }) => position)).toEqual(range(1000).map(index => String(index + 1)));
    for (const [index, name] of names.entries()) {
        const own = events.filter(({ data }) => data.startsWith(`${name} `));
        expect(own.map(({ data }) => data)).toEqual(range(250).map(count => `${name} ${count}`));
        expect(own.map(({ position }) => position)).toEqual(positions[index]);
    }
});

test('of processes that close a stream exactly one wins, and only its event is in the stream', async () => {
    const file = testFile();
    const { sessions, streams } = file.open();
    await sessions.create('session', newSession());
    const ids = range(100).map(index => `stream-${index}`);
    const closed = await runTogether(
        file.path,
        names.map(name => ['close', 'session', name, ...ids])
    );
    expect(closed.flat().sort()).toEqual([...ids].sort());
    for (const [index, name] of names.entries()) {
        for (const stream of closed[index] ?? []) {
            const read = await streams.read('session', stream, undefined, 10);
            expect(read).toEqual({ status: 'ok', events: [{ position: '1', data: name }], closed: true });
        }
    }
});

test('a node receives what other processes send, in the order of each of them', async () => {
    const file = testFile();
    const { inboxes } = file.open({ pollIntervalMs: 5 });
    await inboxes.join('node', longMs);
    const messages: string[] = [];
    const refused: string[] = [];
    await new Promise<void>((resolve, reject) => {
        const onMessages = (arrived: readonly string[]): void => {
            messages.push(...arrived);
            if (messages.length === 1000) {
                resolve();
            }
        };
        const senders = inboxes
            .receive('node', onMessages, reject)
            .then(() =>
                runTogether(
                    file.path,
                    names.map(name => ['send', 'node', name, '250'])
                )
            )
            .then(answers => refused.push(...answers.flat()));
        senders.catch(reject);
    });
    expect(refused).toEqual([]);
    for (const name of names) {
        expect(messages.filter(message => message.startsWith(`${name} `))).toEqual(range(250).map(count => `${name} ${count}`));
    }
});

test('processes that write hard never see a lock', async () => {
    const file = testFile();
    await file.open().sessions.create('shared', newSession());
    const failures = await runTogether(
        file.path,
        names.map(name => ['useHard', name, '300'])
    );
    expect(failures).toEqual([[], [], [], []]);
    expect(file.openRaw().prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
});

test('a process that is killed while it writes leaves a usable file with all that it was told is written', async () => {
    const file = testFile();
    const survivor = file.open();
    await survivor.sessions.create('session', newSession());
    for (const round of range(5)) {
        const stream = `stream-${round}`;
        const victim = await startProcess(file.path, 'appendForever', 'session', stream);
        let confirmed = -1;
        const isWriting = new Promise<void>(resolve =>
            victim.onLine(line => {
                confirmed = Number(line);
                if (confirmed >= 100 + round) {
                    resolve();
                }
            })
        );
        void victim.start();
        await isWriting;
        await victim.kill();

        expect(await survivor.sessions.update('session', { round: String(round) })).toBe(round + 2);
        const read = await survivor.streams.read('session', stream, undefined, 100_000);
        const numbers = read.status === 'ok' ? read.events.map(({ position }) => Number(position)) : [];
        expect(numbers).toEqual(range(numbers.length));
        expect(numbers.length).toBeGreaterThan(confirmed);
    }
    expect(file.openRaw().prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
});

test('a file whose only user was killed can be opened again, with all that it was told is written', async () => {
    const file = testFile();
    const [created] = await runTogether(file.path, [['create', 'session']]);
    expect(created).toEqual(['session']);
    const victim = await startProcess(file.path, 'appendForever', 'session', 'stream');
    let confirmed = -1;
    const isWriting = new Promise<void>(resolve =>
        victim.onLine(line => {
            confirmed = Number(line);
            if (confirmed >= 100) {
                resolve();
            }
        })
    );
    void victim.start();
    await isWriting;
    await victim.kill();

    const { streams } = file.open();
    const read = await streams.read('session', 'stream', undefined, 100_000);
    expect(read.status === 'ok' && read.events.length).toBeGreaterThan(confirmed);
    expect(await streams.append('session', 'stream', [], { ...keepAll, close: true })).toEqual({ status: 'ok' });
});

test('an open store does not keep its process from ending', async () => {
    const file = testFile();
    const [results] = await runTogether(file.path, [['leaveOpen']]);
    expect(results).toEqual([]);
    expect(await file.open().inboxes.alive(['node'])).toEqual(['node']);
});

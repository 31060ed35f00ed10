import { expect, onTestFinished, test, vi } from 'vitest';
import type { SqliteTransportStore } from '../src/index.js';
import { countRows, longMs, testFile } from './support/stores.js';

interface Receiver {
    readonly messages: string[];
    readonly errors: Error[];
    close(): Promise<void>;
    /** Resolves when a message has come. */
    until(message: string): Promise<void>;
}

async function receive(
    { inboxes }: SqliteTransportStore,
    node: string,
    onMessage: (message: string) => void = () => {}
): Promise<Receiver> {
    const messages: string[] = [];
    const errors: Error[] = [];
    let onArrival = (): void => {};
    const subscription = await inboxes.receive(
        node,
        arrived => {
            messages.push(...arrived);
            onArrival();
            arrived.forEach(onMessage);
        },
        error => errors.push(error)
    );
    onTestFinished(() => subscription.close());
    return {
        messages,
        errors,
        close: () => subscription.close(),
        until: message =>
            new Promise(resolve => {
                onArrival = () => {
                    if (messages.includes(message)) {
                        resolve();
                    }
                };
                onArrival();
            })
    };
}

test('what is sent through the same store is delivered without waiting for the next look', async () => {
    const store = testFile().open({ pollIntervalMs: 0x7fffffff });
    await store.inboxes.join('node', longMs);
    const receiver = await receive(store, 'node');
    await store.inboxes.send('node', ['message']);
    await receiver.until('message');
});

test('a full inbox refuses messages, keeps those that it has, and takes more when they are delivered', async () => {
    const file = testFile();
    const store = file.open({ maxInboxMessages: 3 });
    await store.inboxes.join('node', longMs);
    await store.inboxes.send('node', ['1', '2']);
    await expect(store.inboxes.send('node', ['3', '4'])).rejects.toMatchObject({ code: 'STORE_FULL' });
    await store.inboxes.send('node', ['3']);
    await expect(store.inboxes.send('node', ['4'])).rejects.toMatchObject({ code: 'STORE_FULL' });
    const receiver = await receive(file.open({ pollIntervalMs: 5 }), 'node');
    await receiver.until('3');
    await receiver.close();
    await store.inboxes.send('node', ['4', '5', '6']);
    expect(receiver.messages).toEqual(['1', '2', '3']);
});

test('delivered messages are removed while the delivery goes on', async () => {
    const file = testFile();
    const store = file.open();
    await store.inboxes.join('node', longMs);
    const receiver = await receive(store, 'node');
    await store.inboxes.send('node', ['1', '2']);
    await receiver.until('2');
    const raw = file.openRaw();
    await vi.waitFor(() => expect(countRows(raw, 'message')).toBe(0));
    await store.inboxes.send('node', ['3']);
    await receiver.until('3');
    await vi.waitFor(() => expect(countRows(raw, 'message')).toBe(0));
    expect(receiver.messages).toEqual(['1', '2', '3']);
});

test('an interruption is reported once, and deliveries go on after it', async () => {
    const file = testFile();
    const store = file.open({ pollIntervalMs: 1 });
    await store.inboxes.join('node', longMs);
    const receiver = await receive(store, 'node');
    const raw = file.openRaw();
    for (const round of [1, 2]) {
        raw.exec('ALTER TABLE message RENAME TO message_elsewhere');
        await vi.waitFor(() => expect(receiver.errors).toHaveLength(round));
        raw.exec('ALTER TABLE message_elsewhere RENAME TO message');
        await store.inboxes.send('node', [`message ${round}`]);
        await receiver.until(`message ${round}`);
    }
    expect(receiver.errors).toMatchObject([{ code: 'STORE_UNAVAILABLE' }, { code: 'STORE_UNAVAILABLE' }]);
    expect(receiver.messages).toEqual(['message 1', 'message 2']);
});

test('a delivery goes on when its node joins again, with what is sent from then on', async () => {
    const file = testFile();
    const store = file.open({ pollIntervalMs: 1 });
    await store.inboxes.join('node', longMs);
    const receiver = await receive(store, 'node');
    await store.inboxes.send('node', ['1', '2', '3']);
    await receiver.until('3');
    await store.inboxes.leave('node');
    await store.inboxes.join('node', longMs);
    await file.open().inboxes.send('node', ['4']);
    await receiver.until('4');
    expect(receiver).toMatchObject({ messages: ['1', '2', '3', '4'], errors: [] });
});

test('a receiver that fails is reported, and gets the next messages', async () => {
    const store = testFile().open();
    await store.inboxes.join('node', longMs);
    const failure = new Error('The receiver failed.');
    const receiver = await receive(store, 'node', message => {
        if (message === 'bad') {
            throw failure;
        }
    });
    await store.inboxes.send('node', ['bad']);
    await store.inboxes.send('node', ['good']);
    await receiver.until('good');
    expect(receiver.errors).toEqual([failure]);
    expect(receiver.messages).toEqual(['bad', 'good']);
});

test('an inbox is delivered to one subscription at a time', async () => {
    const store = testFile().open();
    await store.inboxes.join('node', longMs);
    const first = await receive(store, 'node');
    await expect(receive(store, 'node')).rejects.toMatchObject({ code: 'STORE_MISUSED' });
    await first.close();
    await receive(store, 'node');
});

test('a subscription that is closed at once gets nothing, and takes nothing out of the inbox', async () => {
    const store = testFile().open({ pollIntervalMs: 1 });
    await store.inboxes.join('node', longMs);
    await store.inboxes.send('node', ['waiting']);
    const closed = await receive(store, 'node');
    await closed.close();
    const next = await receive(store, 'node');
    await next.until('waiting');
    expect(closed.messages).toEqual([]);
});

test('closing the store ends deliveries', async () => {
    const file = testFile();
    const store = file.open({ pollIntervalMs: 1 });
    await store.inboxes.join('node', longMs);
    const receiver = await receive(store, 'node');
    await store.close();
    await file.open().inboxes.send('node', ['late']);
    expect(receiver).toMatchObject({ messages: [], errors: [] });
});

import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { Dispatcher } from 'undici';

/** A stream of server-sent events that is read as it comes. */
export class EventStream {
    /** Id of the newest event that had one. */
    lastEventId: string | undefined;
    private readonly body: Dispatcher.ResponseData['body'];
    private readonly waiting: { count: number; resolve: () => void; reject: (error: Error) => void }[] = [];
    private readonly messages: string[] = [];
    private received = 0;

    constructor(body: Dispatcher.ResponseData['body']) {
        this.body = body;
        const parser = createParser({ onEvent: event => this.receive(event) });
        body.setEncoding('utf8');
        body.on('data', (chunk: string) => parser.feed(chunk));
        body.on('error', () => this.fail());
        body.on('end', () => this.fail());
    }

    /** How many messages have come. */
    get count(): number {
        return this.received;
    }

    /** The messages that have come since this was asked last. */
    takeMessages(): string[] {
        return this.messages.splice(0);
    }

    /** Resolves when so many messages have come. */
    reached(count: number): Promise<void> {
        return this.received >= count
            ? Promise.resolve()
            : new Promise((resolve, reject) => {
                  this.waiting.push({ count, resolve, reject });
              });
    }

    /** Closes the connection. */
    cut(): void {
        this.waiting.length = 0;
        this.body.destroy();
    }

    private receive({ id, data }: EventSourceMessage): void {
        this.lastEventId = id ?? this.lastEventId;
        if (data !== '') {
            this.received++;
            this.messages.push(data);
            this.waiting.filter(({ count }) => count <= this.received).forEach(({ resolve }) => resolve());
        }
    }

    private fail(): void {
        this.waiting
            .filter(({ count }) => count > this.received)
            .forEach(({ reject }) => reject(new Error(`The stream ended after ${this.received} messages`)));
    }
}

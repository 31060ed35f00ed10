import type { JSONRPCRequest, QueuedMessage, TaskMessageQueue } from '../http/sdk.js';

/** What a {@link RoutedTaskMessages} needs of the session that it belongs to. */
export interface TaskRoute {
    /** Gives a request of this node's server its id on the wire. */
    toWire(request: JSONRPCRequest): JSONRPCRequest;
    /** @returns the request as this node's server knows it, or `undefined` if it is another node's, or waits no more. */
    fromWire(request: JSONRPCRequest): JSONRPCRequest | undefined;
    /** Lets a request of another node's server fail there. */
    failElsewhere(request: JSONRPCRequest, message: string): void;
}

/**
 * A task message queue that nodes share.
 *
 * What a task asks the client waits in the queue until some node serves `tasks/result`, so it must carry the id that leads the reply
 * back to the node whose task waits for it.
 */
export class RoutedTaskMessages implements TaskMessageQueue {
    private readonly queue: TaskMessageQueue;
    private readonly route: TaskRoute;

    constructor(queue: TaskMessageQueue, route: TaskRoute) {
        this.queue = queue;
        this.route = route;
    }

    enqueue(taskId: string, message: QueuedMessage, sessionId?: string, maxSize?: number): Promise<void> {
        const queued = message.type === 'request' ? { ...message, message: this.route.toWire(message.message) } : message;
        return this.queue.enqueue(taskId, queued, sessionId, maxSize);
    }

    dequeue(taskId: string, sessionId?: string): Promise<QueuedMessage | undefined> {
        return this.queue.dequeue(taskId, sessionId);
    }

    /** The task has ended, and with it what it still asks; the SDK lets this node's requests fail by the ids that it knows. */
    async dequeueAll(taskId: string, sessionId?: string): Promise<QueuedMessage[]> {
        const own: QueuedMessage[] = [];
        for (const queued of await this.queue.dequeueAll(taskId, sessionId)) {
            if (queued.type !== 'request') {
                own.push(queued);
                continue;
            }
            const message = this.route.fromWire(queued.message);
            if (message) {
                own.push({ ...queued, message });
            } else {
                this.route.failElsewhere(queued.message, 'Task cancelled or completed');
            }
        }
        return own;
    }
}

import { InMemoryTaskMessageQueue, InMemoryTaskStore } from '@modelcontextprotocol/sdk/experimental/tasks';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { TransportFactoryContext } from '@modelcontextprotocol/sdk/server/transportFactory.js';
import { ElicitResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestCluster } from './support/cluster.ts';
import { begin, isFinal, post, type WireAnswer } from './support/mcpRequests.ts';

let cluster: TestCluster;
let a = '';
let b = '';
let c = '';
/** What the node that runs the task has got as answer to its question. */
let answered: (outcome: unknown) => void;
let outcome: Promise<unknown>;

/** Nodes that share the task store and the queue, as a deployment would share a database. */
beforeEach(async () => {
    const taskStore = new InMemoryTaskStore();
    const queue = new InMemoryTaskMessageQueue();
    outcome = new Promise(resolve => (answered = resolve));
    cluster = await TestCluster.start(3, { factory: (context, node) => buildTaskServer(node.name, context, taskStore, queue).server });
    [a = '', b = '', c = ''] = cluster.nodes.map(node => node.url);
});

afterEach(() => cluster.close());

function buildTaskServer(
    node: string,
    { routeTaskMessages }: TransportFactoryContext,
    taskStore: InMemoryTaskStore,
    queue: InMemoryTaskMessageQueue
): McpServer {
    const server = new McpServer(
        { name: 'tasks', version: '0' },
        {
            capabilities: { tools: {}, tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } } },
            taskStore,
            taskMessageQueue: routeTaskMessages(queue),
            defaultTaskPollInterval: 20
        }
    );
    server.experimental.tasks.registerToolTask(
        'survey',
        { description: 'Asks the client, as a task' },
        {
            createTask: async extra => {
                const task = await extra.taskStore.createTask({ ttl: 60_000, pollInterval: 20 });
                const question = server.server.request(
                    {
                        method: 'elicitation/create',
                        params: { mode: 'form', message: 'Name?', requestedSchema: { type: 'object', properties: {} } }
                    },
                    ElicitResultSchema,
                    { relatedTask: { taskId: task.taskId } }
                );
                void question
                    .then(async answer => {
                        const text = `${node} heard ${String(answer.content?.['value'])}`;
                        await extra.taskStore.storeTaskResult(task.taskId, 'completed', { content: [{ type: 'text', text }] });
                        answered(answer);
                    })
                    .catch(answered);
                return { task };
            },
            getTask: extra => extra.taskStore.getTask(extra.taskId),
            getTaskResult: async extra => ({ content: [], ...(await extra.taskStore.getTaskResult(extra.taskId)) })
        }
    );
    return server;
}

let lastId = 0;

function ask(url: string, session: string, method: string, params: object): Promise<WireAnswer> {
    return post(url, { jsonrpc: '2.0', id: ++lastId, method, params }, { session, version: '2025-11-25' });
}

async function startTask(session: string): Promise<string> {
    const answer = await ask(a, session, 'tools/call', { name: 'survey', arguments: {}, task: { ttl: 60_000 } });
    const created = await answer.message(isFinal);
    const task = created.result?.['task'];
    if (typeof task !== 'object' || task === null || !('taskId' in task) || typeof task.taskId !== 'string') {
        throw new Error(`No task: ${JSON.stringify(created)}`);
    }
    return task.taskId;
}

test('what a task asks the client is handed out by another node, answered at a third, and heard where the task runs', async () => {
    const session = await begin(a);
    const taskId = await startTask(session);
    expect((await (await ask(b, session, 'tasks/get', { taskId })).message(isFinal)).result).toMatchObject({ taskId });

    const result = await ask(b, session, 'tasks/result', { taskId });
    const question = await result.message(message => message.method === 'elicitation/create');
    const reply = { jsonrpc: '2.0', id: question.id, result: { action: 'accept', content: { value: 'Ada' } } };
    expect((await post(c, reply, { session, version: '2025-11-25' })).status).toBe(202);

    expect(await outcome).toMatchObject({ content: { value: 'Ada' } });
    expect((await result.message(isFinal)).result).toMatchObject({ content: [{ text: 'node-1 heard Ada' }] });
});

test('tasks/cancel at another node lets the question of the task fail where it waits', async () => {
    const session = await begin(a);
    const taskId = await startTask(session);
    const cancelled = await ask(b, session, 'tasks/cancel', { taskId });
    expect((await cancelled.message(isFinal)).result).toMatchObject({ taskId, status: 'cancelled' });
    expect(String(await outcome)).toContain('Task cancelled or completed');
});

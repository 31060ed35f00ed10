import { isResponse } from '../../http/jsonRpcMessage.ts';
import { readToolResult } from '../../http/mcpClient.ts';
import type { Check } from '../check.ts';
import { demand, demandEqual } from '../support/demands.ts';
import { nodeAt } from '../support/nodes.ts';
import { whoami } from '../support/tools.ts';

const callsEach = 12;

const keptApart: Check = {
    id: 'session.kept-apart',
    async run({ deployment, client }) {
        const names = ['first', 'second', 'third'];
        const sessions = await Promise.all(
            names.map((name, index) => client.openSession(nodeAt(deployment, index), { clientInfo: { name, version: '1' } }))
        );
        const calls = Array.from({ length: callsEach }, (_, turn) =>
            sessions.map(async (session, index) => {
                const known = await whoami(client, nodeAt(deployment, turn + index), session);
                demandEqual(known.sessionId, session.id, 'The session id that a tool sees');
                demandEqual(known.clientInfo?.name, names[index], "The client's name that a tool sees");
            })
        );
        await Promise.all(calls.flat());
    }
};

const concurrentRequests: Check = {
    id: 'session.concurrent-requests',
    async run({ deployment, client }) {
        const session = await client.openSession(nodeAt(deployment, 0));
        const calls = Array.from({ length: 40 }, async (_, index) => {
            // Each takes its own time, so that they are answered in another order than they came.
            const ms = (index * 7) % 40;
            const running = await client.startTool(nodeAt(deployment, index), session, 'sleep', { ms });
            const result = readToolResult(running.answer, await running.answer.response(running.id));
            demand(result.text.startsWith(`slept ${ms} on `), `Request ${running.id} (sleep ${ms}) was answered with ${result.text}`);
            await running.answer.ended();
            const responses = running.answer.messages.filter(isResponse);
            demand(responses.length === 1, `${running.answer.describe()} holds ${responses.length} responses`);
        });
        await Promise.all(calls);
    }
};

export const concurrencyChecks: readonly Check[] = [keptApart, concurrentRequests];

import { RequirementNotMetError } from '../../errors.ts';
import { isResponse, type JsonRpcMessage, type RequestId } from '../../http/jsonRpcMessage.ts';
import type { McpAnswer } from '../../http/mcpAnswer.ts';
import type { Endpoint, McpClient, McpSession } from '../../http/mcpClient.ts';
import { demand, demandEqual } from '../support/demands.ts';
import { letPass, progressIn, progressOf, startSleep } from '../support/tools.ts';

/** 1 to `last`. */
export function numbersTo(last: number): number[] {
    return Array.from({ length: last }, (_, index) => index + 1);
}

/** Id of the first event of a stream. @throws {RequirementNotMetError} if none of its events has an id. */
export function firstEventId(answer: McpAnswer): string {
    const id = answer.arrivals.find(({ eventId }) => eventId !== undefined)?.eventId;
    if (id === undefined) {
        throw new RequirementNotMetError(`${answer.describe()} has no event ids`);
    }
    return id;
}

/** Demands that what a client got of a `sleep` call, on however many streams, is all its progress, once and in order, and one result. */
export function demandComplete(
    messages: readonly JsonRpcMessage[],
    { token, id, steps }: { token: RequestId; id: RequestId; steps: number }
): void {
    demandEqual(progressIn(messages, token), numbersTo(steps), 'The progress that the client got');
    const responses = messages.filter(isResponse);
    demandEqual(
        responses.map(response => response.id),
        [id],
        'The ids of the responses that the client got'
    );
    demand(responses[0]?.result !== undefined, `The request was answered with an error: ${JSON.stringify(responses[0]?.error)}`);
}

/** A `sleep` call whose stream the client has left before its end. */
export interface AbandonedSleep {
    readonly id: RequestId;
    readonly token: RequestId;
    readonly steps: number;
    /** What the client has got of it. */
    readonly answer: McpAnswer;
}

/**
 * Calls `sleep` and closes the connection after a certain progress.
 * @param finish whether to wait until the call has certainly been answered.
 */
export async function abandonSleep(
    client: McpClient,
    node: Endpoint,
    session: McpSession,
    { ms, steps, seen, finish }: { ms: number; steps: number; seen: number; finish: boolean }
): Promise<AbandonedSleep> {
    const { id, token, answer } = await startSleep(client, node, session, { ms, steps });
    if (seen > 1) {
        await answer.message(`progress ${seen}`, message => progressOf(message, token) === seen);
    }
    await answer.close();
    if (finish) {
        await letPass(client, node, session, ms + 100);
    }
    return { id, token, steps, answer };
}

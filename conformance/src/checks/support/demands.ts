import { isDeepStrictEqual } from 'node:util';
import { RequirementNotMetError } from '../../errors.ts';
import type { McpAnswer } from '../../http/mcpAnswer.ts';

/** @throws {RequirementNotMetError} unless the condition holds. @param otherwise says what is wrong. */
export function demand(condition: boolean, otherwise: string): asserts condition {
    if (!condition) {
        throw new RequirementNotMetError(otherwise);
    }
}

/** @throws {RequirementNotMetError} unless both are equal in all depth. */
export function demandEqual(actual: unknown, expected: unknown, what: string): void {
    demand(isDeepStrictEqual(actual, expected), `${what} should be ${JSON.stringify(expected)}, but is ${JSON.stringify(actual)}`);
}

/**
 * Demands one of several statuses, and ends the answer if it is a stream that goes on.
 * @param situation what was asked of the server, for the error: "a request without a session id".
 * @throws {RequirementNotMetError}
 */
export async function demandStatus(
    answer: McpAnswer,
    allowed: readonly number[] | ((status: number) => boolean),
    situation: string
): Promise<void> {
    const fits = typeof allowed === 'function' ? allowed(answer.status) : allowed.includes(answer.status);
    const body = answer.isEventStream ? '' : (await answer.text()).slice(0, 300);
    if (answer.isEventStream) {
        await answer.close();
    }
    const wanted = typeof allowed === 'function' ? 'this is not acceptable' : `it should have been ${allowed.join(' or ')}`;
    demand(fits, `${answer.describe()} came for ${situation}; ${wanted}${body === '' ? '' : `. It says: ${body}`}`);
}

/** A refusal of what the client did, as opposed to a fault of the server. */
export function isRefusal(status: number): boolean {
    return status >= 400 && status < 500;
}

/** A refusal that does not make clients throw their session away, as 404 does. */
export function isRefusalOfThisOnly(status: number): boolean {
    return isRefusal(status) && status !== 404;
}

/** What a stranger may be told about somebody else's session. */
export const strangerStatuses = [401, 403, 404];

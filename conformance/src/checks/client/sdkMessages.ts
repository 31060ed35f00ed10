import { z } from 'zod';
import { RequirementNotMetError } from '../../errors.ts';
import type { Kind } from '../support/tools.ts';

/** The client's answers to questions, each with a text by which it is recognized. */
export function answersWith(text: (kind: Kind) => string) {
    return {
        elicitation: () => ({ action: 'accept' as const, content: { value: text('elicitation') } }),
        sampling: () => ({ role: 'assistant' as const, model: 'none', content: { type: 'text' as const, text: text('sampling') } }),
        roots: () => ({ roots: [{ uri: `file:///${text('roots')}`, name: text('roots') }] })
    };
}

const toolResult = z.looseObject({
    content: z.array(z.looseObject({ type: z.string(), text: z.string().optional() })).min(1),
    isError: z.boolean().optional()
});

/** The first text of a tool's result. @throws {RequirementNotMetError} if there is none, or the tool has failed. */
export function firstText(result: unknown): string {
    const parsed = toolResult.safeParse(result);
    const text = parsed.data?.content[0]?.text;
    if (text === undefined || parsed.data?.isError === true) {
        throw new RequirementNotMetError(`A tool returned ${JSON.stringify(result).slice(0, 300)}`);
    }
    return text;
}

/** The session that a transport of the SDK has. @throws {RequirementNotMetError} if the server has made none. */
export function sessionOf({ sessionId, protocolVersion }: { sessionId?: string | undefined; protocolVersion?: string | undefined }) {
    if (sessionId === undefined || protocolVersion === undefined) {
        throw new RequirementNotMetError(`The client has connected, and has no session (id ${sessionId}, version ${protocolVersion})`);
    }
    return { id: sessionId, protocolVersion };
}

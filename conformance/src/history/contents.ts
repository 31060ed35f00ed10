import { z } from 'zod';
import type { JsonRpcMessage } from '../http/jsonRpcMessage.ts';

/** What the fixture contract puts into messages, as far as histories are judged by it. */

const call = z.looseObject({
    name: z.string(),
    arguments: z.looseObject({ text: z.string().optional(), count: z.number().default(1) }).optional(),
    _meta: z.looseObject({ progressToken: z.union([z.string(), z.number()]).optional() }).optional()
});

export interface ToolCall {
    readonly name: string;
    readonly text: string | undefined;
    readonly count: number;
    readonly progressToken: string | undefined;
}

/** The call of a tool that a message is. */
export function toolCalled({ method, params }: JsonRpcMessage): ToolCall | undefined {
    const parsed = method === 'tools/call' ? call.safeParse(params).data : undefined;
    if (parsed === undefined) {
        return undefined;
    }
    const { name, arguments: args, _meta: meta } = parsed;
    const token = meta?.progressToken;
    return { name, text: args?.text, count: args?.count ?? 1, progressToken: token === undefined ? undefined : JSON.stringify(token) };
}

const progress = z.looseObject({ progressToken: z.union([z.string(), z.number()]), progress: z.number() });

export function progressIn({ method, params }: JsonRpcMessage): { readonly token: string; readonly progress: number } | undefined {
    const parsed = method === 'notifications/progress' ? progress.safeParse(params).data : undefined;
    return parsed === undefined ? undefined : { token: JSON.stringify(parsed.progressToken), progress: parsed.progress };
}

const announcement = z.looseObject({ data: z.looseObject({ text: z.string(), i: z.number() }) });

export function announcementIn({ method, params }: JsonRpcMessage): { readonly text: string; readonly i: number } | undefined {
    return method === 'notifications/message' ? announcement.safeParse(params).data?.data : undefined;
}

/** The text of a question that the server asks. */
export function askedText({ method, params }: JsonRpcMessage): string | undefined {
    return method === 'elicitation/create' && typeof params?.message === 'string' ? params.message : undefined;
}

/** Id of the request that a message of the client cancels. */
export function cancelledId({ method, params }: JsonRpcMessage): unknown {
    return method === 'notifications/cancelled' ? params?.requestId : undefined;
}

const toolResult = z.looseObject({ content: z.array(z.looseObject({ text: z.string().optional() })) });
const asked = z.looseObject({ answer: z.looseObject({ content: z.looseObject({ value: z.string() }) }) });

/** The value that tool `ask` has got from the client; `undefined` if it has got none. */
export function valueAnswered({ result }: JsonRpcMessage): string | undefined {
    const text = toolResult.safeParse(result).data?.content[0]?.text;
    if (text === undefined) {
        return undefined;
    }
    try {
        return asked.safeParse(JSON.parse(text)).data?.answer.content.value;
    } catch {
        return undefined;
    }
}

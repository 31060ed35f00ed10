import { z } from 'zod';

export const requestId = z.union([z.string(), z.number()]);

export type RequestId = z.infer<typeof requestId>;

const jsonRpcError = z.looseObject({ code: z.number(), message: z.string() });

/** A request, notification, response or error. Which one it is shows in the members that it has. */
export const jsonRpcMessage = z.looseObject({
    jsonrpc: z.literal('2.0'),
    id: z.union([requestId, z.null()]).optional(),
    method: z.string().optional(),
    params: z.looseObject({}).optional(),
    result: z.looseObject({}).optional(),
    error: jsonRpcError.optional()
});

export type JsonRpcMessage = z.infer<typeof jsonRpcMessage>;

const oneOrMore = z.union([jsonRpcMessage.transform(message => [message]), z.array(jsonRpcMessage)]);

/**
 * Reads the messages of an HTTP body or of the data of an event; several come as a batch.
 * @throws {SyntaxError} if it isn't JSON. {z.ZodError} if it isn't JSON-RPC.
 */
export function parseMessages(text: string): readonly JsonRpcMessage[] {
    return oneOrMore.parse(JSON.parse(text));
}

/** Whether it answers a request, with a result or an error. */
export function isResponse(message: JsonRpcMessage): boolean {
    return message.method === undefined && (message.result !== undefined || message.error !== undefined);
}

/** Whether it demands an answer. */
export function isRequest(message: JsonRpcMessage): message is JsonRpcMessage & { id: RequestId; method: string } {
    return message.method !== undefined && message.id !== undefined && message.id !== null;
}

import { TransportStoreError } from '@modelcontextprotocol/sdk/server/transportStore.js';

/** @throws {TransportStoreError} always: Redis answered what the store's own scripts never answer. */
export function unexpectedReply(reply: unknown): never {
    throw new TransportStoreError('STORE_CORRUPT', `Redis gave an answer that can't be understood, of type ${typeof reply}.`);
}

export function arrayOf(reply: unknown): readonly unknown[] {
    return Array.isArray(reply) ? reply : unexpectedReply(reply);
}

export function textOf(reply: unknown): string {
    return typeof reply === 'string' ? reply : unexpectedReply(reply);
}

export function textsOf(reply: unknown): readonly string[] {
    return arrayOf(reply).map(textOf);
}

export function integerOf(reply: unknown): number {
    return typeof reply === 'number' ? reply : unexpectedReply(reply);
}

/** A text that may be absent, which Redis answers as null. */
export function optionalTextOf(reply: unknown): string | undefined {
    return reply === null || reply === undefined ? undefined : textOf(reply);
}

/** Pairs of texts that follow each other. */
export function pairsOf(texts: readonly string[]): [string, string][] {
    return Array.from({ length: texts.length / 2 }, (_, index) => [texts[2 * index] ?? '', texts[2 * index + 1] ?? '']);
}

import { TransportStoreError } from '../transportStore.js';
import type { JSONRPCMessage } from '../http/sdk.js';
import { parseJsonRpcMessage } from '../http/jsonRpcMessage.js';

/** What one node sends into another's inbox. */
export type Envelope =
    /** A message of the session's client that arrived elsewhere and concerns the receiver. With `receipt`, the receiver tells what became of it. */
    | { readonly kind: 'message'; readonly session: string; readonly message: JSONRPCMessage; readonly receipt?: string | undefined }
    /** What became of a message that was sent with `receipt`. */
    | { readonly kind: 'receipt'; readonly receipt: string; readonly outcome: DeliveryOutcome }
    /** The session was deleted. */
    | { readonly kind: 'deleted'; readonly session: string }
    /** Something was written to a stream that the receiver holds. */
    | { readonly kind: 'wake'; readonly session: string; readonly stream: string }
    /** A new reader has taken a stream over, from the given one, or from the connection of the request that the stream belongs to. */
    | { readonly kind: 'displaced'; readonly session: string; readonly stream: string; readonly holder?: string | undefined }
    /** The server wants the connection of a stream to be ended, if it is read at the receiver, so that the client polls. */
    | { readonly kind: 'end'; readonly session: string; readonly stream: string };

/** `not-pending`: the node has no request with that id, or has it no longer. */
export type DeliveryOutcome = 'delivered' | 'not-pending';

/** See {@link import('./sessionRecord.js').RECORD_VERSION} for when this changes. */
const ENVELOPE_VERSION = 1;

/** @param from id of the sending node. @param id unique among the envelopes of that node. */
export function encodeEnvelope(envelope: Envelope, from: string, id: number): string {
    return JSON.stringify({ version: ENVELOPE_VERSION, from, id, ...envelope });
}

export interface ReceivedEnvelope {
    readonly from: string;
    readonly id: number;
    readonly envelope: Envelope;
}

/** @throws TransportStoreError `STORE_CORRUPT` or `STORE_NEWER_VERSION`. */
export function decodeEnvelope(text: string): ReceivedEnvelope {
    let value: unknown;
    try {
        value = JSON.parse(text);
    } catch (cause) {
        throw corrupt(cause);
    }
    if (!isObject(value) || typeof value['version'] !== 'number' || typeof value['from'] !== 'string' || typeof value['id'] !== 'number') {
        throw corrupt();
    }
    if (value['version'] > ENVELOPE_VERSION) {
        throw new TransportStoreError('STORE_NEWER_VERSION', 'A node of a newer release sent a message that this release can not read.');
    }
    return { from: value['from'], id: value['id'], envelope: decodeBody(value) };
}

function decodeBody(value: Readonly<Record<string, unknown>>): Envelope {
    const { kind, session, stream, receipt, outcome, holder, message } = value;
    if (kind === 'receipt' && typeof receipt === 'string' && (outcome === 'delivered' || outcome === 'not-pending')) {
        return { kind, receipt, outcome };
    }
    if (typeof session === 'string') {
        if (kind === 'message' && (receipt === undefined || typeof receipt === 'string')) {
            return { kind, session, message: decodeMessage(message), receipt };
        }
        if (kind === 'deleted') {
            return { kind, session };
        }
        if (typeof stream === 'string') {
            if (kind === 'wake' || kind === 'end') {
                return { kind, session, stream };
            }
            if (kind === 'displaced' && (holder === undefined || typeof holder === 'string')) {
                return { kind, session, stream, holder };
            }
        }
    }
    throw corrupt();
}

function decodeMessage(message: unknown): JSONRPCMessage {
    try {
        return parseJsonRpcMessage(message);
    } catch (cause) {
        throw corrupt(cause);
    }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
    return typeof value === 'object' && value !== null;
}

function corrupt(cause?: unknown): TransportStoreError {
    return new TransportStoreError(
        'STORE_CORRUPT',
        "A message in this node's inbox can't be read. Something else writes to the keys of this store, or they were damaged.",
        { cause }
    );
}

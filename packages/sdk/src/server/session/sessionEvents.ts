/**
 * What an operator may want to count or log. Handed to the `onevent` option of the session handler.
 *
 * Session ids are credentials of a kind: whoever has one can use an unauthenticated session. Log them shortened.
 */
export type SessionEvent =
    /** A session was made here. */
    | { readonly type: 'session.created'; readonly sessionId: string }
    /** A live copy of a session was made here from its record. */
    | { readonly type: 'session.restored'; readonly sessionId: string; readonly durationMs: number }
    /** A live copy was dropped here; the session goes on. */
    | { readonly type: 'session.evicted'; readonly sessionId: string; readonly reason: 'idle' | 'capacity' | 'draining' }
    /** The session ended: by DELETE here or elsewhere, or because its record has expired. */
    | { readonly type: 'session.ended'; readonly sessionId: string; readonly reason: 'deleted' | 'deleted-elsewhere' | 'gone' }
    /** A message of the client was handed to the node that it concerns. */
    | {
          readonly type: 'message.routed';
          readonly sessionId: string;
          readonly node: string;
          readonly what: 'reply' | 'progress' | 'cancellation' | 'notification';
      }
    /** Another reader took a stream over that this node was sending. */
    | { readonly type: 'stream.displaced'; readonly sessionId: string; readonly streamId: string }
    /** This node ended the stream of a request whose node is dead. */
    | { readonly type: 'stream.taken-over'; readonly sessionId: string; readonly streamId: string; readonly unanswered: number }
    /** A request was refused. */
    | { readonly type: 'request.refused'; readonly sessionId: string | undefined; readonly status: number; readonly message: string }
    /** This node's lease had ended; what it said meanwhile may have been said by others. */
    | { readonly type: 'node.lapsed' }
    /** This node stops taking requests. */
    | { readonly type: 'node.draining' };

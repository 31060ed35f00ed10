/** What MCP uses, and what a check tries that should be refused. */
export type HttpMethod = 'POST' | 'GET' | 'DELETE' | 'PUT' | 'PATCH' | 'TRACE';

/** A line of a history (JSONL): what a client began and what came of it, or what was done to the nodes. Times are milliseconds since the start. */
export type HistoryEvent =
    /** An HTTP request leaves. `op` is the same for everything that belongs to it. */
    | {
          readonly type: 'invoke';
          readonly at: number;
          readonly op: number;
          readonly session: string | undefined;
          readonly node: string;
          readonly method: HttpMethod;
          /** JSON-RPC messages of a POST. */
          readonly messages?: readonly unknown[];
          readonly lastEventId?: string | undefined;
      }
    /** Status and headers have come. */
    | {
          readonly type: 'response';
          readonly at: number;
          readonly op: number;
          readonly status: number;
          readonly answeredBy: string | undefined;
      }
    /** A JSON-RPC message has come: an event of a stream, or the JSON body. */
    | {
          readonly type: 'message';
          readonly at: number;
          readonly op: number;
          readonly eventId?: string | undefined;
          readonly message: unknown;
      }
    /** The answer is complete (`ok`), or its connection failed (`failed`, the request may have happened), or the client gave up (`timeout`). */
    | {
          readonly type: 'complete';
          readonly at: number;
          readonly op: number;
          readonly outcome: 'ok' | 'failed' | 'timeout' | 'closed-by-client';
          readonly reason?: string;
      }
    /** Something was done to a node or the store. */
    | {
          readonly type: 'fault';
          readonly at: number;
          readonly fault: string;
          readonly node?: string | undefined;
          readonly phase: 'begin' | 'end';
      }
    /** A remark of a check, for the reader of a report. */
    | { readonly type: 'note'; readonly at: number; readonly text: string };

/** Everything that the HTTP and session code takes from the SDK, in one place. */
import { ProtocolErrorCode } from '@modelcontextprotocol/core-internal';

export type {
    AuthInfo,
    InitializeRequest,
    JSONRPCErrorResponse,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResultResponse,
    LoggingLevel,
    MessageExtraInfo,
    RequestId,
    Transport,
    TransportSendOptions
} from '@modelcontextprotocol/core-internal';
export {
    DEFAULT_NEGOTIATED_PROTOCOL_VERSION,
    InitializeRequestSchema,
    isInitializeRequest,
    isJsonContentType,
    JSONRPCMessageSchema,
    LATEST_PROTOCOL_VERSION,
    LoggingLevelSchema,
    SUPPORTED_PROTOCOL_VERSIONS
} from '@modelcontextprotocol/core-internal';
export { MAX_BATCH_SIZE, requestBodyTooLargeMessage, resolveMaxRequestBodySize } from '../requestBody';
export { DEFAULT_SSE_KEEP_ALIVE_MS } from '../sseKeepAlive';

/** Codes of the errors that are answered here. */
export const ErrorCode = {
    ParseError: ProtocolErrorCode.ParseError,
    InvalidRequest: ProtocolErrorCode.InvalidRequest,
    InternalError: ProtocolErrorCode.InternalError,
    /** A request whose server was closed before it answered. */
    ConnectionClosed: -32_000
} as const;

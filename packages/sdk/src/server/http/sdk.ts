/**
 * Everything that the HTTP and session code takes from the SDK, in one place: whoever moves that code onto another version of the SDK
 * (the v2 packages, say) edits this module only.
 */
export type { QueuedMessage, TaskMessageQueue } from '../../experimental/tasks/interfaces.js';
export type { AuthInfo } from '../auth/types.js';
export type { Transport, TransportSendOptions } from '../../shared/transport.js';
export type {
    InitializeRequest,
    JSONRPCErrorResponse,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResultResponse,
    LoggingLevel,
    MessageExtraInfo,
    RequestId,
    RequestInfo
} from '../../types.js';
export {
    DEFAULT_NEGOTIATED_PROTOCOL_VERSION,
    ErrorCode,
    InitializeRequestSchema,
    JSONRPCMessageSchema,
    LATEST_PROTOCOL_VERSION,
    LoggingLevelSchema,
    SUPPORTED_PROTOCOL_VERSIONS,
    isInitializeRequest
} from '../../types.js';
export { isJsonContentType } from '../../shared/mediaType.js';
export { MAX_BATCH_SIZE, requestBodyTooLargeMessage, resolveMaxRequestBodySize } from '../requestBody.js';
export { DEFAULT_SSE_KEEP_ALIVE_MS } from '../sseKeepAlive.js';

import type { AuthInfo, MessageExtraInfo } from './sdk';

/** How handlers are told of the HTTP request that a message came with: they get the request itself. */
export type RequestInfo = Request;

/** What handlers are told of a web-standard request. */
export function requestInfoOf(request: Request): RequestInfo {
    return request;
}

/** What goes with a message to the server. */
export function messageExtra(exchange: { readonly authInfo: AuthInfo | undefined; readonly requestInfo: RequestInfo }): MessageExtraInfo {
    return { authInfo: exchange.authInfo, request: exchange.requestInfo };
}

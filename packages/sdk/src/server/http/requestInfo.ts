import type { AuthInfo, MessageExtraInfo, RequestInfo } from './sdk.js';

/** How handlers are told of the HTTP request that a message came with; the SDK's v2 packages have another form, so all that knows of it is here. */

export type { RequestInfo } from './sdk.js';

/** What handlers are told of a web-standard request. */
export function requestInfoOf(request: Request): RequestInfo {
    return { headers: Object.fromEntries(request.headers.entries()), url: new URL(request.url) };
}

/** What goes with a message to the server. */
export function messageExtra(exchange: { readonly authInfo: AuthInfo | undefined; readonly requestInfo: RequestInfo }): MessageExtraInfo {
    return { authInfo: exchange.authInfo, requestInfo: exchange.requestInfo };
}

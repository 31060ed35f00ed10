import type { AuthInfo, MessageExtraInfo, RequestInfo } from './sdk.js';

// The SDK's v2 packages tell handlers of the HTTP request in another form, so all that knows the form is here.
export type { RequestInfo } from './sdk.js';

/** What handlers are told of a web-standard request. */
export function requestInfoOf(request: Request): RequestInfo {
    return { headers: Object.fromEntries(request.headers.entries()), url: new URL(request.url) };
}

/** What goes with a message to the server. */
export function messageExtra(exchange: { readonly authInfo: AuthInfo | undefined; readonly requestInfo: RequestInfo }): MessageExtraInfo {
    return { authInfo: exchange.authInfo, requestInfo: exchange.requestInfo };
}

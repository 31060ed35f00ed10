import type { HttpExchange } from './httpExchange.js';
import { REFUSED, type Refusal } from './refusal.js';
import type { StreamableHttpOptions } from './transportOptions.js';

/** Protection against DNS rebinding, if the options ask for it: a request must come for an allowed host, and not from a strange page. */
export function checkHostAndOrigin(exchange: HttpExchange, options: StreamableHttpOptions): Refusal | undefined {
    if (!options.enableDnsRebindingProtection) {
        return undefined;
    }
    const { allowedHosts, allowedOrigins } = options;
    if (allowedHosts && allowedHosts.length > 0) {
        const host = exchange.header('host');
        if (!host || !allowedHosts.includes(host)) {
            return { status: 403, code: REFUSED, message: `Invalid Host header: ${host ?? null}` };
        }
    }
    if (allowedOrigins && allowedOrigins.length > 0) {
        // Only browsers send an origin.
        const origin = exchange.header('origin');
        if (origin && !allowedOrigins.includes(origin)) {
            return { status: 403, code: REFUSED, message: `Invalid Origin header: ${origin}` };
        }
    }
    return undefined;
}

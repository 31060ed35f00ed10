import type { AuthInfo } from '../http/sdk.js';

/** Names whom a request comes from; sessions are bound to it. `undefined` means nobody in particular. */
export type PrincipalOf = (authInfo: AuthInfo | undefined) => string | undefined;

/**
 * The default: issuer and subject of the token, where the verifier puts them into `extra.iss` and `extra.sub`, else the OAuth client.
 * The token itself is not used: it changes while the principal stays, and must not be stored.
 */
export const defaultPrincipal: PrincipalOf = authInfo => {
    if (authInfo === undefined) {
        return undefined;
    }
    const subject = authInfo.extra?.['sub'];
    if (typeof subject === 'string') {
        const issuer = authInfo.extra?.['iss'];
        return JSON.stringify([typeof issuer === 'string' ? issuer : '', subject]);
    }
    return JSON.stringify([authInfo.clientId]);
};

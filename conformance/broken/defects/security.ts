import { type AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js';
import { type Defect } from '../defect.ts';
import { type Kind, kindOf } from '../kinds.ts';
import { sessionOf } from '../mcpRequest.ts';

/** Does for anybody what only the owner of a session may do. */
function letsStrangers(kind: Kind, what: string): Defect {
    return {
        title: `Lets anybody ${what}`,
        make: () => {
            const owners = new Map<string, AuthInfo>();
            return {
                serve: next => async request => {
                    const owner = owners.get(sessionOf(request) ?? '');
                    const response = await next(
                        owner !== undefined && kindOf(request) === kind ? { ...request, authInfo: owner } : request
                    );
                    const made = response.headers.get('mcp-session-id');
                    if (sessionOf(request) === undefined && made !== null && request.authInfo !== undefined) {
                        owners.set(made, request.authInfo);
                    }
                    return response;
                }
            };
        }
    };
}

export const securityDefects = {
    'origin-ignored': { title: 'Serves pages of every origin', make: () => ({ ignoresOrigin: true }) },
    'token-optional': { title: 'Serves requests without a token', make: () => ({ ignoresMissingToken: true }) },
    'principal-of-first-request': {
        title: 'Takes every request for one of whoever came first',
        make: () => ({
            serve: next => {
                let first: AuthInfo | undefined;
                return request => {
                    first ??= request.authInfo;
                    return next({ ...request, authInfo: first });
                };
            }
        })
    },
    'strangers-send-requests': letsStrangers('request', 'send requests in any session'),
    'strangers-listen': letsStrangers('listen', 'open the standalone stream of any session'),
    'strangers-resume': letsStrangers('resume', 'resume the streams of any session'),
    'strangers-delete': letsStrangers('delete', 'end any session'),
    'strangers-reply': letsStrangers('reply', 'answer questions in any session'),
    'strangers-cancel': letsStrangers('cancellation', 'cancel requests of any session')
} satisfies Record<string, Defect>;

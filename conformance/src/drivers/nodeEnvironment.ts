import type { NodeSettings } from './deployment.ts';

/** The settings as the fixture contract passes them to a server: environment variables. */
export function settingsEnvironment({ auth, sessionTtlMs, responseMode, resumable }: NodeSettings): Record<string, string> {
    return {
        ...(auth === undefined ? {} : { AUTH: auth }),
        ...(sessionTtlMs === undefined ? {} : { SESSION_TTL_MS: String(sessionTtlMs) }),
        ...(responseMode === undefined ? {} : { RESPONSE_MODE: responseMode }),
        ...(resumable === undefined ? {} : { RESUMABLE: resumable ? '1' : '0' })
    };
}

/** Name of the node with an index from 0. */
export function nodeName(index: number): string {
    return `node-${index + 1}`;
}

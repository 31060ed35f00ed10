import { TransportStoreError } from '@modelcontextprotocol/sdk/server/transportStore.js';
import { isServerReply } from './errors.js';

const oldestVersion = [6, 2] as const;

/**
 * Looks at what the server says of itself.
 *
 * A server that forbids the look is taken as it is. Valkey and other servers tell the version of Redis that they are compatible with.
 *
 * @param info gets the answer to INFO.
 * @throws {TransportStoreError} `STORE_MISUSED` if the server is too old.
 */
export async function checkServer(info: () => Promise<unknown>): Promise<void> {
    let text: unknown;
    try {
        text = await info();
    } catch (error) {
        if (error instanceof TransportStoreError && isServerReply(error.cause)) {
            return;
        }
        throw error;
    }
    if (typeof text !== 'string') {
        return;
    }
    const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(text)?.[1];

    const version = field('redis_version');
    if (version !== undefined && isOlder(version)) {
        throw new TransportStoreError(
            'STORE_MISUSED',
            `The store needs Redis ${oldestVersion.join('.')} or later, or Valkey; the server is Redis ${version}. Upgrade the server.`
        );
    }
    const policy = field('maxmemory_policy');
    if (policy !== undefined && policy !== 'noeviction' && Number(field('maxmemory')) > 0) {
        process.emitWarning(
            `Redis evicts keys when its memory is full (maxmemory-policy ${policy}), so sessions of clients may vanish at any time. ` +
                'Set maxmemory-policy to noeviction.',
            { code: 'MCP_REDIS_EVICTS_SESSIONS' }
        );
    }
}

function isOlder(version: string): boolean {
    const [major = 0, minor = 0] = version.split('.').map(Number);
    return major < oldestVersion[0] || (major === oldestVersion[0] && minor < oldestVersion[1]);
}

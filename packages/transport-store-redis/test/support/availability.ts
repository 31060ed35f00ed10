import { execFileSync } from 'node:child_process';
import { hasRedisProgram } from './redisServer.js';

function succeeds(command: string, args: readonly string[]): boolean {
    try {
        execFileSync(command, args, { stdio: 'ignore', timeout: 10_000 });
        return true;
    } catch {
        return false;
    }
}

const isCi = process.env.CI === 'true';

/**
 * Why there is no Redis server for the tests that need one; `undefined` if there is one. In CI there must be one, and a test that can't
 * have it fails.
 */
export const absenceOfServer =
    isCi || process.env.REDIS_URL || hasRedisProgram() || succeeds('docker', ['info'])
        ? undefined
        : 'REDIS_URL is not set, and there is neither redis-server on the PATH nor Docker to start it in a container';

/** The same for tests that start several servers, or break a server: they need the program. */
export const absenceOfProgram = isCi || hasRedisProgram() ? undefined : 'there is no redis-server on the PATH';

/** The same for tests that need a certificate besides. */
export const absenceOfTls =
    absenceOfProgram ?? (isCi || succeeds('openssl', ['version']) ? undefined : 'there is no openssl on the PATH to make a certificate');

/** The title of a test or group that is skipped if something is absent, so that the report says why. */
export function titled(title: string, absence: string | undefined): string {
    return absence === undefined ? title : `${title} [not run: ${absence}]`;
}

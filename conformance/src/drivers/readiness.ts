import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';

const intervalMs = 25;

/** What `/healthz` beside an MCP endpoint answers. @throws {Error} if there is no answer within the time. */
export async function healthOf(mcpUrl: string, timeoutMs: number): Promise<number> {
    const signal = AbortSignal.timeout(timeoutMs);
    // Without keeping the connection: a node may be killed before the next question.
    const { statusCode, body } = await request(new URL('/healthz', mcpUrl), { signal, reset: true });
    await body.dump();
    return statusCode;
}

/** Whether a node answers at all, in whatever way; that is, whether it is alive and not too busy to say so. */
export function isResponsive(mcpUrl: string, timeoutMs = 3_000): Promise<boolean> {
    return healthOf(mcpUrl, timeoutMs).then(
        () => true,
        () => false
    );
}

/** Asks until a node says that it is ready; resolves to whether it did within the time. */
export async function becomesReady(url: () => string, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    while (performance.now() < deadline && signal?.aborted !== true) {
        if ((await healthOf(url(), 3_000).catch(() => undefined)) === 200) {
            return true;
        }
        await delay(intervalMs);
    }
    return false;
}

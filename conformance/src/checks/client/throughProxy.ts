import { setTimeout as delay } from 'node:timers/promises';
import type { Deployment } from '../../drivers/deployment.ts';
import { WaitedInVainError } from '../../errors.ts';
import type { Endpoint } from '../../http/mcpClient.ts';
import type { CheckContext } from '../check.ts';
import { nodeAt } from '../support/nodes.ts';
import { RecordingProxy } from './recordingProxy.ts';

/** What stands before the nodes and sends each request to the next one: the deployment's own proxy, where it has one. */
export function roundRobin(deployment: Deployment): Endpoint {
    const { proxyUrl } = deployment;
    if (proxyUrl !== undefined) {
        return { id: 'proxy', url: proxyUrl };
    }
    let turn = 0;
    return {
        id: 'proxy',
        get url() {
            return nodeAt(deployment, turn++).url;
        }
    };
}

/** Lets clients use an endpoint, and writes down what they do there. */
export async function recorded<T>(
    { recorder, signal }: CheckContext,
    endpoint: Endpoint,
    action: (proxy: RecordingProxy) => Promise<T>
): Promise<T> {
    const proxy = await RecordingProxy.start(endpoint, recorder);
    // Clients that have no signal end when their connections do.
    const close = () => void proxy.close();
    signal.addEventListener('abort', close, { once: true });
    try {
        return await action(proxy);
    } finally {
        signal.removeEventListener('abort', close);
        await proxy.close();
    }
}

const pollMs = 25;

/** Waits until a condition holds. @throws {WaitedInVainError} */
export async function untilTrue(
    what: string,
    waitMs: number,
    signal: AbortSignal,
    condition: () => boolean | Promise<boolean>
): Promise<void> {
    const deadline = performance.now() + waitMs;
    while (!(await condition())) {
        if (performance.now() > deadline) {
            throw new WaitedInVainError(what, waitMs);
        }
        await delay(pollMs, undefined, { signal });
    }
}

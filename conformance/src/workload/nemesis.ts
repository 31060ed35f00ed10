import { setTimeout as delay } from 'node:timers/promises';
import type { Deployment } from '../drivers/deployment.ts';
import type { Fault } from '../manifest/requirement.ts';
import type { Random } from './random.ts';

const betweenMs = { from: 300, to: 900 };
const lastsMs = { from: 500, to: 2_000 };

/** After it the nodes are left alone, so that what was cut off can come to its end. */
const activeMs = 7_000;

export interface NemesisOptions {
    readonly random: Random;
    /** How many times as long as usual it is active. */
    readonly scale: number;
    readonly stop: AbortSignal;
}

/** Does one thing to the nodes again and again, for some seconds or until it is told to stop; what it did last is undone then. */
export async function runNemesis(deployment: Deployment, fault: Fault, { random, scale, stop }: NemesisOptions): Promise<void> {
    const end = performance.now() + activeMs * scale;
    while (!stop.aborted && performance.now() < end) {
        await pause(random.between(betweenMs.from, betweenMs.to), stop);
        if (!stop.aborted) {
            await strike(deployment, fault, random);
        }
    }
}

async function strike(deployment: Deployment, fault: Fault, random: Random): Promise<void> {
    const node = random.pick(deployment.nodes);
    const lasts = random.between(lastsMs.from, lastsMs.to);
    switch (fault) {
        case 'kill-node':
            await node.kill();
            return node.start();
        case 'stop-node':
            await node.stop();
            return node.start();
        case 'pause-node':
            await node.pause();
            await delay(lasts);
            return node.resume();
        case 'cut-store':
            await node.cutStore();
            await delay(lasts);
            return node.joinStore();
        case 'stop-store':
            await deployment.stopStore();
            await delay(lasts);
            return deployment.startStore();
        case 'configure':
            return;
    }
}

async function pause(ms: number, stop: AbortSignal): Promise<void> {
    await delay(ms, undefined, { signal: stop }).catch(() => undefined);
}

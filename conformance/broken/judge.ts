import { checks } from '../src/checks/checks.ts';
import { type CheckResult } from '../src/checks/check.ts';
import { manifest } from '../src/manifest/manifest.ts';
import { runTarget } from '../src/run/runTarget.ts';
import { type LaunchedTarget } from '../src/targets/target.ts';
import { type Defect } from './defect.ts';
import { InProcessDriver } from './inProcessDriver.ts';

const target: LaunchedTarget = {
    name: 'broken',
    folder: import.meta.dirname,
    description: 'The session layer of this workspace with something wrong in it, on nodes within one process',
    store: 'memory',
    nodes: 3,
    lacks: {},
    environment: {}
};

const seed = 1;

/**
 * Lets the suite judge a server with a defect.
 * @param only globs of requirements.
 */
export async function judge(defect: Defect | undefined, only: string): Promise<readonly CheckResult[]> {
    const driver = new InProcessDriver(defect);
    const { results } = await runTarget({ target, driver, baseline: new Map(), requirements: manifest, checks, only, seed });
    return results;
}

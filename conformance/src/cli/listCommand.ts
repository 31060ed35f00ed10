import { parseArgs } from 'node:util';
import { checks } from '../checks/checks.ts';
import { describeError, UsageError } from '../errors.ts';
import { manifest } from '../manifest/manifest.ts';
import { select } from '../run/plan.ts';
import { listTargets, loadTarget } from '../targets/target.ts';
import { describeSource } from './describe.ts';
import { exitCodes } from './exitCodes.ts';

const options = { only: { type: 'string' }, json: { type: 'boolean' } } as const;

/** `list`: shows the requirements, and the targets that the suite brings along. @returns the exit code. */
export async function listCommand(args: readonly string[]): Promise<number> {
    const { only, json } = parse(args);
    const requirements = select(manifest, checks, only).map(({ requirement }) => requirement);
    if (json === true) {
        console.log(JSON.stringify(requirements, undefined, 4));
        return exitCodes.conforms;
    }
    const width = Math.max(...requirements.map(({ id }) => id.length));
    for (const requirement of requirements) {
        const { id, level, title, faults } = requirement;
        console.log(`${id.padEnd(width)}  ${level.padEnd(6)}  ${title}`);
        console.log(`${''.padEnd(width)}          ${[describeSource(requirement), ...faults].join('; ')}`);
    }
    console.log(`\n${requirements.length} requirements\n\nTargets:`);
    for (const name of await listTargets()) {
        console.log(`${name.padEnd(width)}  ${(await loadTarget(name)).description}`);
    }
    return exitCodes.conforms;
}

function parse(args: readonly string[]) {
    try {
        return parseArgs({ args: [...args], options, strict: true }).values;
    } catch (cause) {
        throw new UsageError(describeError(cause), { cause });
    }
}

import { UsageError } from '../errors.ts';
import { checkHistory } from '../history/checkHistory.ts';
import { readHistory } from '../history/historyFile.ts';
import { exitCodes } from './exitCodes.ts';

/** `check`: looks through the history of a workload for what must not be in it. @returns the exit code. */
export async function checkCommand(args: readonly string[]): Promise<number> {
    const [file, ...others] = args;
    if (file === undefined || file.startsWith('-') || others.length > 0) {
        throw new UsageError('Name one history: `check FOLDER/sdk-redis/workload.kills.jsonl`');
    }
    const events = await readHistory(file);
    if (events.length === 0) {
        throw new UsageError(`The history ${file} is empty`);
    }
    const violations = checkHistory(events);
    for (const { rule, op, what } of violations) {
        console.log(`✗ ${rule}: ${what} (operation ${op})`);
    }
    console.log(`${events.length} events, ${violations.length === 0 ? 'nothing wrong' : `${violations.length} violations`}`);
    return violations.length === 0 ? exitCodes.conforms : exitCodes.fails;
}

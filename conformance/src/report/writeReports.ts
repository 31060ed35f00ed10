import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { RunResult } from './runResult.ts';

/** Writes everything that is to be known of runs into a folder, which is made. @returns the paths of the files. */
export async function writeReports(folder: string, results: readonly RunResult[]): Promise<string[]> {
    await mkdir(folder, { recursive: true });
    return Promise.all(
        results.map(async result => {
            const file = path.join(folder, `${result.target}.json`);
            await writeFile(file, `${JSON.stringify(result, undefined, 4)}\n`);
            return file;
        })
    );
}

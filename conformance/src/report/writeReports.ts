import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { manifest } from '../manifest/manifest.ts';
import { htmlReport } from './htmlReport.ts';
import { junitReport } from './junitReport.ts';
import type { RunResult } from './runResult.ts';

/**
 * Writes everything that is to be known of runs into a folder, which is made: `TARGET.json` for each, `junit.xml`, and `report.html`.
 * @returns the paths of the files.
 */
export async function writeReports(folder: string, results: readonly RunResult[]): Promise<string[]> {
    const files = new Map<string, string>([
        ...results.map((result): [string, string] => [`${result.target}.json`, `${JSON.stringify(result, undefined, 4)}\n`]),
        ['junit.xml', junitReport(results)],
        ['report.html', htmlReport(results, manifest)]
    ]);
    await mkdir(folder, { recursive: true });
    await Promise.all(Array.from(files, ([name, content]) => writeFile(path.join(folder, name), content)));
    return [...files.keys()].map(name => path.join(folder, name));
}

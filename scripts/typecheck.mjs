/** Type-checks every folder of the workspace that has a tsconfig.json. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { runMain, runTool, workspaceRoot } from './toolchain.mjs';
import { listPackages } from './workspace-packages.mjs';

await runMain(async () => {
    const folders = [workspaceRoot, ...listPackages().map(entry => entry.folder)];
    const failed = [];
    for (const folder of folders.filter(folder => existsSync(path.join(folder, 'tsconfig.json')))) {
        if ((await runTool('tsc', ['--noEmit', '--pretty', '-p', folder])) !== 0) {
            failed.push(path.relative(workspaceRoot, folder) || '.');
        }
    }
    if (failed.length > 0) {
        console.error(`Type errors in: ${failed.join(', ')}`);
        return 1;
    }
    return 0;
});

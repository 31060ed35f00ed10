/**
 * Runs a command after everything it needs is set up: `node scripts/run.mjs <tool> [arguments]`, where the tool is
 * `node`, meaning the Node release of the workspace, or a command of a package that the root package.json lists.
 */
import { prepare } from './prepare.mjs';
import { SetupError, runMain, runNode, runTool } from './toolchain.mjs';

await runMain(async () => {
    const [tool, ...args] = process.argv.slice(2);
    if (tool === undefined) {
        throw new SetupError('Usage: node scripts/run.mjs <tool> [arguments]');
    }
    await prepare();
    return tool === 'node' ? runNode(args) : runTool(tool, args);
});

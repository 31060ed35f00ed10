/**
 * Runs a command after everything it needs is set up: `node scripts/run.mjs [--no-build] <tool> [arguments]`, where the
 * tool is `node`, meaning the Node release of the workspace, or a command of a package that the root package.json lists.
 */
import { prepare } from './prepare.mjs';
import { SetupError, runMain, runNode, runTool } from './toolchain.mjs';

await runMain(async () => {
    const parameters = process.argv.slice(2);
    const needsBuild = parameters[0] !== '--no-build';
    const [tool, ...args] = needsBuild ? parameters : parameters.slice(1);
    if (tool === undefined) {
        throw new SetupError('Usage: node scripts/run.mjs [--no-build] <tool> [arguments]');
    }
    await prepare(needsBuild ? 'stale' : 'none');
    return tool === 'node' ? runNode(args) : runTool(tool, args);
});

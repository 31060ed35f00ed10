/** Runs the pnpm release of this workspace, for instance to add a dependency: `npm run pnpm -- add -D example`. */
import { requireSupportedNode, runMain, runPnpm } from './toolchain.mjs';

await runMain(() => {
    requireSupportedNode();
    return runPnpm(process.argv.slice(2));
});

/**
 * The `build` script of packages that need nothing but compilation: `node ../../scripts/build-package.mjs`,
 * run in the package's folder, which has its sources in `src` and a tsconfig.build.json.
 */
import { buildDualPackage } from './dual-package.mjs';
import { runMain } from './toolchain.mjs';

await runMain(() => buildDualPackage(process.cwd()));

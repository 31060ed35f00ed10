/** Installs and builds what is missing or stale; with `--force-build`, builds everything. */
import { prepare } from './prepare.mjs';
import { runMain } from './toolchain.mjs';

await runMain(() => prepare({ forceBuild: process.argv.includes('--force-build') }));

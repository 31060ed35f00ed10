/** Installs and builds what is missing or stale; with `--build-all`, builds everything. */
import { prepare } from './prepare.mjs';
import { runMain } from './toolchain.mjs';

await runMain(() => prepare(process.argv.includes('--build-all') ? 'all' : 'stale'));

/** Runs ESLint and checks the formatting; `--fix` repairs what can be repaired. */
import { runMain, runTool } from './toolchain.mjs';

await runMain(async () => {
    const fix = process.argv.includes('--fix');
    const eslint = await runTool('eslint', ['.', '--max-warnings=0', ...(fix ? ['--fix'] : [])]);
    const prettier = await runTool('prettier', [fix ? '--write' : '--check', '--log-level=warn', '.']);
    return eslint || prettier;
});

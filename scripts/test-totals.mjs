/**
 * Prints the totals of a JSON report of vitest as `N passed, N failed, N skipped`, and fails unless all went well:
 * `node scripts/test-totals.mjs <report> <exit code of the test run>`.
 */
import { readFileSync } from 'node:fs';
import { SetupError, runMain } from './toolchain.mjs';

/**
 * @typedef {object} Report
 * @property {number} numPassedTests
 * @property {number} numFailedTests
 * @property {number} numPendingTests
 * @property {number} numTodoTests
 * @property {{ status: string, assertionResults: { status: string }[] }[]} testResults
 */

/**
 * @param {string} file
 * @returns {Report | undefined}
 */
function readReport(file) {
    try {
        return JSON.parse(readFileSync(file, 'utf8'));
    } catch {
        return undefined;
    }
}

await runMain(async () => {
    const [file, exitCode] = process.argv.slice(2);
    if (file === undefined || exitCode === undefined) {
        throw new SetupError('Usage: node scripts/test-totals.mjs <report> <exit code>');
    }
    const report = readReport(file);
    if (report === undefined) {
        console.error('There is no report: the tests did not run, or were stopped.');
        console.log('0 passed, 1 failed, 0 skipped');
        return 1;
    }
    // A file that could not be loaded has no failed tests of its own, but must not pass for a success.
    const failedFiles = report.testResults.filter(
        ({ status, assertionResults }) => status === 'failed' && !assertionResults.some(test => test.status === 'failed')
    ).length;
    // An error outside of any test, such as a rejection that nobody handles, only shows in the exit code.
    const failed = report.numFailedTests + failedFiles || Number(exitCode !== '0');
    console.log(`${report.numPassedTests} passed, ${failed} failed, ${report.numPendingTests + report.numTodoTests} skipped`);
    return failed === 0 && report.numPassedTests > 0 ? 0 : 1;
});

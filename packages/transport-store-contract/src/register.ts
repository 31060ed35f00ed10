import { contractCases } from './contractCases.js';
import type { StoreBackend } from './contract.js';
import { runCase, unmetNeeds } from './runCase.js';

/** The functions of a test runner that the suite needs; those of vitest, `node:test`, jest and bun fit. */
export interface TestRunner {
    describe(name: string, body: () => void): unknown;
    readonly test: {
        (name: string, body: () => Promise<void>): unknown;
        /** Reports the test as not run. */
        skip(name: string, body: () => Promise<void>): unknown;
    };
}

/**
 * Makes every case of the contract a test. Call it once per backend, where tests are defined.
 *
 * A case that needs what the backend does not offer is reported as skipped, and its name says what was missing.
 *
 * @param runner `{ describe, test }` of the test runner.
 * @param backend the store under test; its functions are not called before the first test runs.
 */
export function registerTransportStoreContract({ describe, test }: TestRunner, backend: StoreBackend): void {
    describe('TransportStore contract', () => {
        for (const contractCase of contractCases) {
            const name = `${contractCase.id}: ${contractCase.rule}`;
            const unmet = unmetNeeds(contractCase, backend);
            if (unmet.length === 0) {
                test(name, () => runCase(contractCase, backend));
            } else {
                test.skip(`${name} [not run: the backend does not offer ${unmet.join(', ')}]`, () => Promise.resolve());
            }
        }
    });
}

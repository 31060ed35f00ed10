import assert from 'node:assert/strict';
import type { ContractCase } from '../contract.js';

/** The store as a whole. */
export const storeCases: readonly ContractCase[] = [
    {
        id: 'store.ping',
        rule: 'ping resolves while the backend answers',
        needs: [],
        async run({ one, other }) {
            for (const store of [one, other]) {
                await assert.doesNotReject(store.ping(), 'ping must resolve while the backend answers');
            }
        }
    }
];

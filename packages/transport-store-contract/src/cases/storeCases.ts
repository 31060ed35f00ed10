import type { ContractCase } from '../contract.js';

/** The store as a whole. */
export const storeCases: readonly ContractCase[] = [
    {
        id: 'store.ping',
        rule: 'ping resolves while the backend answers',
        needs: [],
        async run({ one, other }) {
            await one.ping();
            await other.ping();
        }
    }
];

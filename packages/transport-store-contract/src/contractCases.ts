import { accessCases } from './cases/accessCases.js';
import { createCases } from './cases/createCases.js';
import { deleteCases } from './cases/deleteCases.js';
import { lifetimeCases } from './cases/lifetimeCases.js';
import { storeCases } from './cases/storeCases.js';
import { updateCases } from './cases/updateCases.js';
import type { ContractCase } from './contract.js';

/** Every case of the contract. */
export const contractCases: readonly ContractCase[] = [
    ...storeCases,
    ...createCases,
    ...accessCases,
    ...lifetimeCases,
    ...updateCases,
    ...deleteCases
];

import { accessCases } from './cases/accessCases.js';
import { appendCases } from './cases/appendCases.js';
import { createCases } from './cases/createCases.js';
import { deleteCases } from './cases/deleteCases.js';
import { deliveryCases } from './cases/deliveryCases.js';
import { holdCases } from './cases/holdCases.js';
import { leaseCases } from './cases/leaseCases.js';
import { lifetimeCases } from './cases/lifetimeCases.js';
import { publishCases } from './cases/publishCases.js';
import { readCases } from './cases/readCases.js';
import { restartCases } from './cases/restartCases.js';
import { retentionCases } from './cases/retentionCases.js';
import { storeCases } from './cases/storeCases.js';
import { streamLifeCases } from './cases/streamLifeCases.js';
import { updateCases } from './cases/updateCases.js';
import type { ContractCase } from './contract.js';

/** Every case of the contract. */
export const contractCases: readonly ContractCase[] = [
    ...storeCases,
    ...createCases,
    ...accessCases,
    ...lifetimeCases,
    ...updateCases,
    ...deleteCases,
    ...appendCases,
    ...publishCases,
    ...readCases,
    ...retentionCases,
    ...holdCases,
    ...streamLifeCases,
    ...leaseCases,
    ...deliveryCases,
    ...restartCases
];

export type { CaseContext, CaseNeed, ContractCase, FullStore, StoreBackend, StoreCapability, StoreHandle } from './contract.js';
export { contractCases } from './contractCases.js';
export { registerTransportStoreContract, type TestRunner } from './register.js';
export { runCase, unmetNeeds } from './runCase.js';

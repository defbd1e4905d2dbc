// The contract reader as the rest of runner/ and cli/ see it.
export { CODE_TITLES } from './codes.ts';
export type { Diagnostic } from './diagnostic.ts';
export { loadContract, loadContracts, readContractFile, readContractText } from './load-contract.ts';
export type * from './model.ts';
export type { DeriveLevel } from './rules/level-rules.ts';
export { validateContracts, type Validation, type ValidationInput } from './validate-contracts.ts';
export { validatePaths } from './validate-paths.ts';
export type { PathValidation } from './validate-paths.ts';

// The contract reader as the rest of runner/ and cli/ see it.
export { CODE_TITLES, type Code } from './codes.ts';
export type { Diagnostic, DiagnosticCounts, Severity } from './diagnostic.ts';
export type { ContractEdit } from './edit.ts';
export type { Position } from './line-index.ts';
export { loadContract, loadContracts, readContractFile, readContractText } from './load-contract.ts';
export type * from './model.ts';
export type { DerivedLevel, DeriveLevel } from './rules/level-rules.ts';
export type { LinkCounts, LinkKind } from './rules/link-rules.ts';
export { validateContracts, type Validation, type ValidationInput } from './validate-contracts.ts';
export { validatePaths } from './validate-paths.ts';
export type { LevelSource, PathValidation, ValidatePathsOptions } from './validate-paths.ts';
export type { JsonValue } from './yaml/yaml-node.ts';

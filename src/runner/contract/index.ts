// The contract reader as the rest of runner/ and cli/ see it.
export { CODE_TITLES, severityOf, type Code } from './codes.ts';
export { compareDiagnostics, countDiagnostics } from './diagnostic.ts';
export type { Diagnostic, DiagnosticCounts, Severity } from './diagnostic.ts';
export { applyEdits, type ContractEdit } from './edit.ts';
export { LineIndex, type Position } from './line-index.ts';
export { findContractFiles, loadContract, loadContracts, readContractFile, readContractText } from './load-contract.ts';
export type * from './model.ts';
export { CLAIM_EXECUTORS, EVIDENCE_KEYS, LEVELS } from './model.ts';
export { parseContract } from './parse-contract.ts';
export type { DerivedLevel, DeriveLevel } from './rules/level-rules.ts';
export { LINK_KINDS, type LinkCounts, type LinkKind } from './rules/link-rules.ts';
export { validateContracts, type Validation, type ValidationInput } from './validate-contracts.ts';
export { validatePaths } from './validate-paths.ts';
export type { LevelSource, PathValidation, ValidatePathsOptions } from './validate-paths.ts';
export { projectRootOf } from './project-root.ts';
export { toValue, type JsonValue } from './yaml-node.ts';

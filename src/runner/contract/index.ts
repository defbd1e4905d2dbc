// The contract reader as the rest of runner/ sees it.
export { applyEdits, type ContractEdit } from './edit.ts';
export { findContractFiles, loadContract, loadContracts, readContractFile, readContractText } from './load-contract.ts';
export type * from './model.ts';
export { CLAIM_EXECUTORS, EVIDENCE_KEYS, LEVELS } from './model.ts';
export { parseContract } from './parse-contract.ts';
export { toValue, type JsonValue } from './yaml-node.ts';

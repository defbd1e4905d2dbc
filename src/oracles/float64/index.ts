// The float64 oracle's public face.
export { decodeExact } from './decode/decode-exact.ts';
export { evaluateOp, newCache, type OpInputs } from './evaluate-op.ts';
export { openFloat64Executor, type Float64Options } from './float64-executor.ts';
export type { KeyValueCache } from './key-value-cache.ts';
export { ropeAttentionFactor, ropeFactorsWeight, ropeFrequencies } from './ops/rope-frequencies.ts';
export { decodedRows, readRows, readVector, type DecodedRows } from './weights.ts';

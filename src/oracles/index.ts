// The oracles' public face: what diagnosis, runner, falsifiers and cli may import.
export { llamaCppContextLength, loadLlamaCpp } from './llama-cpp.ts';
export type { LlamaCpp, LlamaCppAvailability, LlamaCppModel, LlamaCppOptions } from './llama-cpp.ts';
export {
  decodedRows,
  decodeExact,
  evaluateOp,
  newCache,
  openFloat64Executor,
  readRows,
  readVector,
  ropeAttentionFactor,
  ropeFactorsWeight,
  ropeFrequencies,
} from './float64/index.ts';
export type { DecodedRows, Float64Options, KeyValueCache, OpInputs } from './float64/index.ts';
export { HttpEndpoint, type CompletionRequest, type HttpEndpointOptions } from './http-endpoint.ts';
export type { ScoredText, ScoredToken, TokenScore } from './http-answer.ts';
export { CommandEngine, type CommandAnswer, type CommandOptions } from './command.ts';

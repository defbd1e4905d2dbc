// The hyperparameters that change what a forward pass computes, each with where it came from.
import type { RopeParameters } from './program.ts';

export type Architecture = 'llama' | 'qwen2';

export interface ModelConfig {
  architecture: Architecture;
  layerCount: number;
  modelDim: number;
  ffnDim: number;
  headCount: number;
  kvHeadCount: number;
  headDim: number;
  vocabSize: number;
  contextLength: number;
  rmsNormEps: number;
  rope: RopeParameters;
  /** Positions that a query sees, itself included; null = all. */
  slidingWindow: number | null;
  hasQkvBias: boolean;
  /** True where the head multiplies by the embedding matrix. */
  isTied: boolean;
  provenance: Readonly<Record<ConfigKey, Provenance>>;
}

export type ConfigKey =
  | 'architecture'
  | 'layerCount'
  | 'modelDim'
  | 'ffnDim'
  | 'headCount'
  | 'kvHeadCount'
  | 'headDim'
  | 'vocabSize'
  | 'contextLength'
  | 'rmsNormEps'
  | 'rope.theta'
  | 'rope.rotaryDim'
  | 'rope.pairing'
  | 'rope.scaling'
  | 'slidingWindow'
  | 'hasQkvBias'
  | 'isTied';

/** `architecture`: the rule of the architecture itself; `default`: nothing in the file said so, and that is printed. */
export interface Provenance {
  source: 'metadata' | 'tensor' | 'architecture' | 'default';
  /** The metadata key, tensor name or rule. */
  detail: string;
}

// The hyperparameters that change what a forward pass computes, each with where it came from.
import type { RopeParameters } from './program.ts';

export interface ModelConfig {
  /** One that is registered, see architectures/registry.ts. */
  architecture: string;
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
  /** Theta of the layers with a window, whose rotation is then not scaled; null = they rotate as the others do. */
  localTheta: number | null;
  /** Positions that a query sees, itself included; null = all. */
  slidingWindow: number | null;
  /** Layers that see all positions in spite of `slidingWindow`. */
  fullAttentionLayers: readonly number[];
  /** Factor of q·k. */
  attentionScale: number;
  /** c in c · tanh(score / c); null = scores as they are. */
  attentionSoftcap: number | null;
  /** As `attentionSoftcap`, of the logits. */
  logitSoftcap: number | null;
  /** Factor of the embedding rows. */
  embeddingScale: number;
  /** Added to every gain of a norm as the file stores it. */
  normOffset: number;
  hasQkvBias: boolean;
  /** True where q and k are normalised head by head, before they are rotated. */
  hasQkNorm: boolean;
  /** null: a dense feed-forward. */
  experts: Experts | null;
  /** True where the head multiplies by the embedding matrix. */
  isTied: boolean;
  provenance: Readonly<Record<ConfigKey, Provenance>>;
}

/** A feed-forward that sends each position through a few of many experts. */
interface Experts {
  count: number;
  usedCount: number;
  ffnDim: number;
  /** True where the shares of the chosen experts are scaled to add up to 1. */
  isRenormalised: boolean;
}

/** Every value whose source is recorded; those of a group under a dotted name. */
export type ConfigKey =
  | Exclude<keyof ModelConfig, 'rope' | 'experts' | 'provenance'>
  | `rope.${keyof RopeParameters}`
  | `experts.${keyof Experts}`;

/** `architecture`: the rule of the architecture; `default`: nothing in the file said so, and that is printed. */
export interface Provenance {
  source: 'metadata' | 'tensor' | 'architecture' | 'default';
  /** The metadata key, tensor name or rule. */
  detail: string;
}

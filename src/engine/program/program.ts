// What a model is here: a Program, a flat list of ops over named values, as plain data. Compilers (one per
// architecture) make it from a config; executors (cpu, webgpu, float64) run it; faults rewrite it.
// No arithmetic and no weights live in this file.

/** Names a value of the program, e.g. `layer-3/attn_norm`, `final_norm`. Unique within a program. */
export type ValueId = string;

/** Names a weight by its GGUF name, e.g. `blk.3.attn_q.weight`, whatever file format it came from. */
export type WeightName = string;

/** One row per position; `channelCount` numbers in a row. */
export interface Value {
  id: ValueId;
  layer: number | null;
  channelCount: number;
}

/** `norm`: adjacent pairs (2i, 2i+1), as Llama GGUF files want it. `neox`: halves (i, i + rotaryDim/2). */
export type RopePairing = 'norm' | 'neox';

/** One divisor per pair: the numbers, or the weight that holds them. */
export type RopeFactors = readonly number[] | WeightName;

/**
 * Angle of pair i at position p: p · f_i with f_i = theta^(−2i/rotaryDim), divided by `factor` (linear), or by the
 * per-pair factor held in the weight `rope_freqs.weight` (how GGUF carries llama3 scaling), or reshaped by the llama3
 * rule from its four numbers (how config.json carries it). yarn divides slow pairs by `factor`, leaves fast ones, and
 * goes from one to the other along a ramp of pairs. longrope and dynamic depend on a length, which is the session's,
 * from its opening to its end: longrope divides by `long` beyond `originalContextLength` and by `short` within,
 * dynamic grows theta beyond it. `attentionFactor` multiplies cosines and sines.
 */
export type RopeScaling =
  | { type: 'none' }
  | { type: 'linear'; factor: number }
  | { type: 'factors'; weight: WeightName }
  | {
      type: 'llama3';
      factor: number;
      lowFreqFactor: number;
      highFreqFactor: number;
      originalContextLength: number;
    }
  | {
      type: 'yarn';
      factor: number;
      /** Turns over the original context from which a pair is left as it is, and below which it is divided. */
      betaFast: number;
      betaSlow: number;
      /** True where the ends of the ramp are whole pairs. */
      isTruncated: boolean;
      originalContextLength: number;
      attentionFactor: number;
    }
  | { type: 'longrope'; short: RopeFactors; long: RopeFactors; originalContextLength: number; attentionFactor: number }
  | { type: 'dynamic'; factor: number; originalContextLength: number };

export interface RopeParameters {
  theta: number;
  rotaryDim: number;
  pairing: RopePairing;
  scaling: RopeScaling;
}

/** Every op reads whole values and writes one whole value; `out` never aliases an input. */
export type Op =
  /** out[p] = W[token_p]. */
  | { op: 'embed'; weight: WeightName; out: ValueId }
  /**
   * out = in / sqrt(mean(in²) + eps) · (gain + gainOffset), per position, or, where there is a headCount, per head:
   * gain is then as wide as a head and shared by all. gainOffset is 0 where absent.
   */
  | {
      op: 'rmsnorm';
      in: ValueId;
      weight: WeightName;
      eps: number;
      out: ValueId;
      headCount?: number;
      gainOffset?: number;
    }
  /** out[r] = Σ_c W[r, c] · in[c]; W is [out channels, in channels], rows contiguous. */
  | { op: 'matmul'; in: ValueId; weight: WeightName; out: ValueId }
  | { op: 'addBias'; in: ValueId; weight: WeightName; out: ValueId }
  /** Rotates each head's first `rotaryDim` channels by the position's angles, copies the rest. */
  | { op: 'rope'; in: ValueId; out: ValueId; headCount: number; headDim: number; rope: RopeParameters }
  /**
   * Causal grouped-query attention over the layer's KV cache, to which this op first appends its k and v.
   * out[h] = Σ_j softmax_j(scale · q[h]·k_j[h / (headCount/kvHeadCount)]) · v_j; j in (p − window, p].
   */
  | {
      op: 'attention';
      q: ValueId;
      k: ValueId;
      v: ValueId;
      out: ValueId;
      layer: number;
      headCount: number;
      kvHeadCount: number;
      headDim: number;
      scale: number;
      window: number | null;
      softcap?: number;
    }
  /** out = in / (1 + e^(−in)). */
  | { op: 'silu'; in: ValueId; out: ValueId }
  /** out = in/2 · (1 + tanh(√(2/π) · (in + 0.044715 · in³))): GELU by its tanh form. */
  | { op: 'gelu'; in: ValueId; out: ValueId }
  | { op: 'scale'; in: ValueId; factor: number; out: ValueId }
  /** out = cap · tanh(in / cap). */
  | { op: 'softcap'; in: ValueId; cap: number; out: ValueId }
  /** Of a router's logits, the ids of the usedCount largest, largest first; of equal ones the lower id first. */
  | { op: 'moeSelect'; in: ValueId; usedCount: number; out: ValueId }
  /** softmax(logits) at the chosen ids, divided by its sum over them where `isRenormalised`. */
  | { op: 'moeRoute'; in: ValueId; experts: ValueId; isRenormalised: boolean; out: ValueId }
  /**
   * Slot s of out = W[experts[s]] · x, with x the whole input where it is as wide as W's rows, else its slot s.
   * W is [expertCount, out channels per slot, columns].
   */
  | { op: 'expertMatmul'; in: ValueId; experts: ValueId; weight: WeightName; expertCount: number; out: ValueId }
  /** out[c] = Σ_s shares[s] · in[s, c], slots from 0. */
  | { op: 'moeSum'; in: ValueId; shares: ValueId; out: ValueId }
  | { op: 'mul'; a: ValueId; b: ValueId; out: ValueId }
  | { op: 'add'; a: ValueId; b: ValueId; out: ValueId };

export type OpName = Op['op'];
export type AttentionOp = Extract<Op, { op: 'attention' }>;

/** How a stage (DESIGN §4) is read off values: as it stands, concatenated per position, derived from q and k. */
export type StageSource =
  | { from: 'value'; value: ValueId }
  | { from: 'concat'; values: ValueId[] }
  | { from: 'scores' | 'softmax'; attention: AttentionOp };

export interface Stage {
  /** A name of `STAGE_NAMES`. */
  name: string;
  /** null: of the whole model (root of a capture folder, header 0xFFFFFFFF). */
  layer: number | null;
  source: StageSource;
}

export interface WeightShape {
  name: WeightName;
  /** Row-major, as Transformers prints it: [out channels, in channels], [channels]. GGUF lists the reverse. */
  shape: number[];
}

export interface Program {
  architecture: string;
  layerCount: number;
  vocabSize: number;
  contextLength: number;
  /** In order of first writing. */
  values: Value[];
  ops: Op[];
  /** In canonical order: layer by layer, then the whole-model ones. */
  stages: Stage[];
  /** Every weight the ops read, with the shape that the config demands. */
  weights: WeightShape[];
  /** The value that holds the logits. */
  logits: ValueId;
}

/** The weights that a scaling reads, each [rotaryDim / 2]. */
export function ropeWeights(scaling: RopeScaling): WeightName[] {
  if (scaling.type === 'factors') return [scaling.weight];
  if (scaling.type !== 'longrope') return [];
  return [scaling.short, scaling.long].filter((factors) => typeof factors === 'string');
}

/** The value that an op writes, and the values that it reads. */
export function operands(op: Op): { reads: ValueId[]; writes: ValueId } {
  switch (op.op) {
    case 'embed':
      return { reads: [], writes: op.out };
    case 'attention':
      return { reads: [op.q, op.k, op.v], writes: op.out };
    case 'mul':
    case 'add':
      return { reads: [op.a, op.b], writes: op.out };
    case 'rmsnorm':
    case 'matmul':
    case 'addBias':
    case 'rope':
    case 'silu':
    case 'gelu':
    case 'scale':
    case 'softcap':
    case 'moeSelect':
      return { reads: [op.in], writes: op.out };
    case 'moeRoute':
    case 'expertMatmul':
      return { reads: [op.in, op.experts], writes: op.out };
    case 'moeSum':
      return { reads: [op.in, op.shares], writes: op.out };
  }
}

// Rotary scaling as config.json states it, written from the papers for the slow forward pass: the angle of a pair, and the
// factor of what is rotated. Sources: Su et al. 2021; linear: Chen et al. 2023; llama3: the rule published with Llama 3.1;
// yarn: Peng et al. 2023; longrope: Ding et al. 2024; dynamic: NTK-aware scaling by length. Shares nothing with the product.
import type { RopeRules } from './hf-model.ts';

export interface Rope {
  rope_type: string;
  rope_theta: number;
  factor?: number;
  low_freq_factor?: number;
  high_freq_factor?: number;
  original_max_position_embeddings?: number;
  beta_fast?: number;
  beta_slow?: number;
  truncate?: boolean;
  attention_factor?: number;
  mscale?: number;
  mscale_all_dim?: number;
  short_factor?: number[];
  long_factor?: number[];
  partial_rotary_factor?: number;
}

type Scaled = Rope & { maxPositions: number };

/** The rule that config.json names. */
export const ropeRules: RopeRules = (rope, headDim) => ({
  frequency: (i, positionCount) => frequencyOf(rope, headDim, i, positionCount),
  rotationFactor: rotationFactorOf(rope),
});

/** Radians per position of pair i in a text of `positionCount` positions. */
function frequencyOf(rope: Scaled, headDim: number, i: number, positionCount: number): number {
  const own = rope.rope_theta ** ((-2 * i) / headDim);
  const factor = rope.factor ?? Number.NaN;
  const original = rope.original_max_position_embeddings ?? Number.NaN;
  switch (rope.rope_type) {
    case 'default':
      return own;
    case 'linear':
      return own / factor;
    case 'llama3':
      return llama3(rope, own, factor, original);
    case 'yarn':
      return own * (1 - yarnShare(rope, headDim, i, original) * (1 - 1 / factor));
    case 'longrope':
      return own / ((positionCount > original ? rope.long_factor : rope.short_factor)?.[i] ?? Number.NaN);
    case 'dynamic': {
      const longer = Math.max(0, positionCount / rope.maxPositions - 1);
      // theta · (1 + F · longer)^(d / (d − 2)), to the power −2i/d.
      return own * (1 + factor * longer) ** ((-2 * i) / (headDim - 2));
    }
    default:
      throw new Error(`no rule for rope_type ${rope.rope_type}`);
  }
}

/** Of rotated queries and keys. */
function rotationFactorOf(rope: Scaled): number {
  if (rope.attention_factor !== undefined) return rope.attention_factor;
  const original = rope.original_max_position_embeddings ?? Number.NaN;
  const factor = rope.factor ?? rope.maxPositions / original;
  if (rope.rope_type === 'longrope') return Math.sqrt(1 + Math.log(factor) / Math.log(original));
  if (rope.rope_type !== 'yarn') return 1;
  const { mscale = 0, mscale_all_dim: allDim = 0 } = rope;
  const root = Math.log(factor) / 10;
  return mscale === 0 || allDim === 0 ? 1 + root : (1 + mscale * root) / (1 + allDim * root);
}

function llama3(rope: Rope, own: number, factor: number, original: number): number {
  const [low, high] = [rope.low_freq_factor ?? Number.NaN, rope.high_freq_factor ?? Number.NaN];
  const wavelength = (2 * Math.PI) / own;
  if (wavelength < original / high) return own;
  if (wavelength > original / low) return own / factor;
  const kept = (original / wavelength - low) / (high - low);
  return (1 - kept) * (own / factor) + kept * own;
}

/** How far pair i is on its way to being divided: 0 to 1. */
function yarnShare(rope: Rope, headDim: number, i: number, original: number): number {
  const pairTurning = (turns: number): number =>
    (headDim * Math.log(original / (2 * Math.PI * turns))) / (2 * Math.log(rope.rope_theta));
  let [from, to] = [pairTurning(rope.beta_fast ?? 32), pairTurning(rope.beta_slow ?? 1)];
  if (rope.truncate ?? true) [from, to] = [Math.floor(from), Math.ceil(to)];
  [from, to] = [Math.max(from, 0), Math.min(to, headDim - 1)];
  return Math.min(1, Math.max(0, (i - from) / (to - from)));
}

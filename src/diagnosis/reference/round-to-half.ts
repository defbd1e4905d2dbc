// One number as a type of floats stores it: to nearest, ties to even, subnormals kept. For loops that round number by
// number; whole rows: activations.ts.
import type { FloatType } from '../../engine/program/numeric-profile.ts';
import { LARGEST_F16 } from '../ops/constants.ts';

export type RoundTo = (x: number) => number;

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);

/** Of a type that is narrower than float32; null: of another, which keeps what a float32 is. */
export function roundingTo(type: FloatType | 'q8_0'): RoundTo | null {
  if (type === 'f16') return toFloat16;
  return type === 'bf16' ? toBfloat16 : null;
}

/** Ten bits are kept after the first; below the smallest normal number steps of 2^-24. Several times f16round's speed. */
function toFloat16(x: number): number {
  if (Math.abs(x) < 2 ** -14) return x + 1.5 * 2 ** 28 - 1.5 * 2 ** 28;
  const rounded = keepBits(x, 10);
  return Math.abs(rounded) > LARGEST_F16 ? Math.sign(x) * Infinity : rounded;
}

/** Seven bits are kept; below the smallest normal number steps of 2^-133. */
function toBfloat16(x: number): number {
  if (Math.abs(x) < 2 ** -126) return x + 1.5 * 2 ** -81 - 1.5 * 2 ** -81;
  const rounded = keepBits(x, 7);
  return Math.abs(rounded) >= 2 ** 128 ? Math.sign(x) * Infinity : rounded;
}

/** The significand's `count` highest bits, of the 20 that are in the high word of a double. */
function keepBits(x: number, count: number): number {
  if (!Number.isFinite(x)) return x;
  float[0] = x;
  const dropped = 20 - count;
  // What is beyond the word counts as something: it decides a tie.
  const word = (words[1] ?? 0) | (words[0] === 0 ? 0 : 1);
  const half = 2 ** (dropped - 1);
  words[1] = (word + half - 1 + ((word >>> dropped) & 1)) & ~(2 * half - 1);
  words[0] = 0;
  return float[0];
}

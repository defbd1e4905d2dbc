// Activations as a declared format makes them: halves, or what a q8_0 or q8_k quantiser makes of float32 rows, in the
// order of operations that ggml publishes, and where a quotient is so near to a tie that either neighbour is right (an
// engine may multiply by 1/d where another divides). Part of the emulated run S; no weights in here.
import type { ActivationFormat } from '../../engine/program/numeric-profile.ts';
import { RefuteError } from '../../errors.ts';
import { TIE_UNITS, UNIT_BF16, UNIT_F16, UNIT_F32 } from '../ops/constants.ts';

export interface RoundedActivations {
  /** What is multiplied: of 8 bits d·q. */
  values: Float64Array;
  /** One step d where the element is at a tie that may fall either way, else 0; null where none may. */
  tieSteps: Float64Array | null;
}

const BLOCK = { q8_0: 32, q8_k: 256 } as const;

/** Conversion to a half is one rounding to the nearest, ties to even, in every engine. */
export function roundActivations(x: Float64Array, format: ActivationFormat): RoundedActivations {
  if (format === 'f16') return { values: x.map(Math.f16round), tieSteps: null };
  if (format === 'bf16') return { values: x.map(bf16round), tieSteps: null };
  return quantizeActivations(x, format === 'q8_1' ? 'q8_0' : format);
}

/** The distance between what neighbouring values are rounded to, element by element; at most that. */
export function stepsOf(x: ArrayLike<number>, format: ActivationFormat): Float64Array {
  const steps = new Float64Array(x.length);
  if (format === 'f16' || format === 'bf16') {
    const unit = 2 * (format === 'f16' ? UNIT_F16 : UNIT_BF16);
    return steps.map((_, i) => unit * Math.abs(x[i] ?? 0) + 2 ** -24);
  }
  const block = format === 'q8_k' ? BLOCK.q8_k : BLOCK.q8_0;
  for (let first = 0; first < x.length; first += block) {
    let largest = 0;
    for (let i = first; i < first + block; i += 1) largest = Math.max(largest, Math.abs(x[i] ?? 0));
    // The step is rounded too, to a float16 for one of them.
    steps.fill((largest / 127) * (1 + 2 ** -10), first, first + block);
  }
  return steps;
}

/** To the 8 significant bits of a bfloat16. */
function bf16round(value: number): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  const step = 2 ** (Math.floor(Math.log2(Math.abs(value))) - 7);
  const [steps, below] = [value / step, Math.floor(value / step)];
  const isUp = steps - below > 0.5 || (steps - below === 0.5 && below % 2 !== 0);
  return (isUp ? below + 1 : below) * step;
}

/** @param x rows of a multiple of the block (32 or 256) */
export function quantizeActivations(
  x: ArrayLike<number>,
  type: 'q8_0' | 'q8_k',
): RoundedActivations & { tieSteps: Float64Array } {
  const block = BLOCK[type];
  if (x.length % block !== 0) {
    const is = `${x.length} values do not fill whole blocks`;
    const allowed = `a block has ${block}`;
    throw new RefuteError({ code: 'E_ACTIVATION_BLOCK', place: `${type} activations`, is, allowed });
  }
  const values = new Float64Array(x.length);
  const tieSteps = new Float64Array(x.length);
  for (let first = 0; first < x.length; first += block) {
    let extreme = 0;
    for (let i = first; i < first + block; i += 1) {
      const value = x[i] ?? 0;
      if (Math.abs(value) > Math.abs(extreme)) extreme = value;
    }
    // q8_0: d = amax/127, quotients by the f32 inverse, then d is stored as float16. q8_k: d = −max/127, kept in f32.
    const full = type === 'q8_0' ? Math.fround(Math.abs(extreme) / 127) : Math.fround(-extreme / 127);
    const inverse = full === 0 ? 0 : Math.fround(1 / full);
    const step = type === 'q8_0' ? Math.f16round(full) : full;
    for (let i = first; i < first + block; i += 1) {
      const quotient = Math.fround((x[i] ?? 0) * inverse);
      const integer = Math.max(-128, Math.min(127, nearest(quotient, type)));
      values[i] = step * integer;
      const toTie = Math.abs(Math.abs(quotient - Math.trunc(quotient)) - 0.5);
      if (toTie <= TIE_UNITS * UNIT_F32 * Math.abs(quotient)) tieSteps[i] = Math.abs(step);
    }
  }
  return { values, tieSteps };
}

/** q8_0 rounds halves away from zero (roundf), q8_k to even (nearest_int). */
function nearest(quotient: number, type: 'q8_0' | 'q8_k'): number {
  const floor = Math.floor(Math.abs(quotient));
  const rest = Math.abs(quotient) - floor;
  const isUp = rest > 0.5 || (rest === 0.5 && (type === 'q8_0' || floor % 2 === 1));
  return Math.sign(quotient) * (isUp ? floor + 1 : floor);
}

// Activations in 8 bits, as a declared format: what a q8_0 or q8_k quantiser makes of float32 rows, in the order of
// operations that ggml publishes, and where a quotient is so near to a tie that either neighbour is right (an engine may
// multiply by 1/d where another divides). Part of the emulated run S; no weights in here.
import { RefuteError } from '../../errors.ts';
import { TIE_UNITS, UNIT_F32 } from '../ops/constants.ts';

export interface QuantizedActivations {
  /** What the integer dot product really multiplies: d·q. */
  values: Float64Array;
  /** One step d where the element is at a tie, else 0. */
  tieSteps: Float64Array;
}

const BLOCK = { q8_0: 32, q8_k: 256 } as const;

/** @param x rows of a multiple of the block (32 or 256) */
export function quantizeActivations(x: ArrayLike<number>, type: 'q8_0' | 'q8_k'): QuantizedActivations {
  const block = BLOCK[type];
  if (x.length % block !== 0) {
    throw new RefuteError({
      code: 'E_ACTIVATION_BLOCK',
      place: `${type} activations`,
      is: `${x.length} values do not fill whole blocks`,
      allowed: `a block has ${block}`,
    });
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

// Rotates each head's first rotaryDim channels, pair by pair, by the angle a = position · f_i; copies the others.
//   out[u] = m · (x[u] · cos a − x[v] · sin a),   out[v] = m · (x[u] · sin a + x[v] · cos a)
// m is the scaling's attention factor, 1 for most.
// Pair i is (u, v) = (2i, 2i + 1) with `norm` pairing, (i, i + rotaryDim/2) with `neox`.
// The angle is one rounding of a product, so it is off by up to position · f_i · 2^-53 · (1 + the error of f_i).
import type { Op } from '../../../engine/program/program.ts';
import { ropeAttentionFactor, ropeFrequencies } from './rope-frequencies.ts';

/**
 * @param x [rows, headCount · headDim]; row t is at position firstPosition + t
 * @param factors [rotaryDim / 2], what the weight of `ropeFactorsWeight` holds, else null
 * @param contextLength positions of the session; read where the scaling depends on it
 */
export function rope(
  op: Extract<Op, { op: 'rope' }>,
  x: Float64Array,
  firstPosition: number,
  factors: Float64Array | null,
  contextLength?: number,
): Float64Array {
  const { headCount, headDim } = op;
  const { rotaryDim, pairing } = op.rope;
  const frequencies = ropeFrequencies(op.rope, factors, contextLength);
  const attentionFactor = ropeAttentionFactor(op.rope);
  const out = x.slice();
  for (let head = 0; head < x.length / headDim; head += 1) {
    const position = firstPosition + Math.floor(head / headCount);
    for (const [i, frequency] of frequencies.entries()) {
      const u = head * headDim + (pairing === 'norm' ? 2 * i : i);
      const v = u + (pairing === 'norm' ? 1 : rotaryDim / 2);
      const [cos, sin] = [Math.cos(position * frequency), Math.sin(position * frequency)];
      const [xu, xv] = [x[u] ?? Number.NaN, x[v] ?? Number.NaN];
      out[u] = attentionFactor * (xu * cos - xv * sin);
      out[v] = attentionFactor * (xu * sin + xv * cos);
    }
  }
  return out;
}

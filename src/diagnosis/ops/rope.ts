// Judging `rope`: two products and a sum over a table of cosines and sines; channels that are not rotated are copies.
// Multiplied by an attention factor, all of it is; then the table is rounded at position 0 too, where the cosine is 1.
import type { Op, RopeParameters } from '../../engine/program/program.ts';
import { ropeAttentionFactor } from '../../oracles/float64/ops/rope-frequencies.ts';
import { sourceVariant } from '../faults/fault.ts';
import { gamma } from '../reference/arithmetic.ts';
import { UNIT_F64 } from './constants.ts';
import { deviationOf, type BudgetInputs, type JudgementOf } from './judgement.ts';

const KERNEL = 'src/engine/cpu/kernels/rope.as.ts';

export const ropeJudgement: JudgementOf<'rope'> = {
  budget(op, given) {
    const { reference, inputs, arithmetic } = given;
    const { unit, tiny, angle } = arithmetic;
    const factor = ropeAttentionFactor(op.rope);
    const relativeOfAngle = (i: number): number => angle.relative(i) + (4 + scalingUnits(op.rope)) * UNIT_F64;
    const [x] = inputs;
    const proven = new Float64Array(reference.length);
    forEachPair(op, given, ({ i, u, v, position, turn, cos, sin }) => {
      const [xu, xv] = [Math.abs(x?.[u] ?? 0), Math.abs(x?.[v] ?? 0)];
      // What an angle that is off by d moves: d times the derivative of either output, |x| rotated by 90 degrees.
      const drift = Math.abs(turn) * relativeOfAngle(i);
      const table = position === 0 && factor === 1 ? 0 : angle.sincos;
      // One rounding more where the cosine is multiplied before it is stored.
      const each = (table + (factor === 1 ? 0 : UNIT_F64)) * (xu + xv);
      proven[u] = factor * (drift * (xu * sin + xv * cos) + each + gamma(2, unit) * (xu * cos + xv * sin)) + tiny;
      proven[v] = factor * (drift * (xu * cos + xv * sin) + each + gamma(2, unit) * (xu * sin + xv * cos)) + tiny;
    });
    return { reference, expected: proven, proven, magnitude: null };
  },
  carry(op, given, deviations) {
    const factor = Math.abs(ropeAttentionFactor(op.rope));
    const off = deviationOf(deviations, 0);
    const out = given.reference.map((_, i) => off(i));
    forEachPair(op, given, ({ u, v, cos, sin }) => {
      out[u] = factor * (cos * off(u) + sin * off(v));
      out[v] = factor * (sin * off(u) + cos * off(v));
    });
    return out;
  },
  bugClass: 'ROPE_FAILURE',
  expectedGroupRms: 0.2,
  sharesErrors: true,
  faults: [
    {
      id: 'R6',
      title: 'sign of the sine flipped',
      bugClass: 'ROPE_FAILURE',
      firstStage: 'q_post_rope',
      needs: 'a position after 0; halves as pairs; for the small one a number of pairs that is not a multiple of 4',
      gross: sourceVariant(
        'the first half of each head turns the other way',
        KERNEL,
        'f32x4.sub(f32x4.mul(first, c), f32x4.mul(second, s))',
        'f32x4.add(f32x4.mul(first, c), f32x4.mul(second, s))',
      ),
      small: sourceVariant(
        'the last pairs, which fill no vector, turn the other way',
        KERNEL,
        'store<f32>(out + i, first * c - second * s)',
        'store<f32>(out + i, first * c + second * s)',
      ),
    },
  ],
};

/** A pair of channels u and v in one head of one row, and the size of the cosine and sine of its angle. */
interface TurnedPair {
  i: number;
  u: number;
  v: number;
  position: number;
  turn: number;
  cos: number;
  sin: number;
}

function forEachPair(
  { headCount, headDim, rope: { rotaryDim, pairing } }: Extract<Op, { op: 'rope' }>,
  { reference, frequencies, firstPosition }: Pick<BudgetInputs, 'reference' | 'frequencies' | 'firstPosition'>,
  visit: (pair: TurnedPair) => void,
): void {
  for (let head = 0; head < reference.length / headDim; head += 1) {
    const position = firstPosition + Math.floor(head / headCount);
    for (let i = 0; i < rotaryDim / 2; i += 1) {
      const u = head * headDim + (pairing === 'norm' ? 2 * i : i);
      const v = u + (pairing === 'norm' ? 1 : rotaryDim / 2);
      const turn = position * (frequencies?.[i] ?? Number.NaN);
      visit({ i, u, v, position, turn, cos: Math.abs(Math.cos(turn)), sin: Math.abs(Math.sin(turn)) });
    }
  }
}

/** Relative error of a frequency in double, in units, beyond that of a power: what the rule of the scaling adds. */
function scalingUnits({ theta, rotaryDim, scaling }: RopeParameters): number {
  // theta grows by F·L/O − (F − 1): a difference that leaves at least 1, to a power of 2 at most.
  if (scaling.type === 'dynamic') return 8 * Math.max(1, scaling.factor);
  if (scaling.type !== 'yarn') return 0;
  // A share (pair − low) / length of the ramp is off by the roundings of low and of the length, which are of the size
  // of rotaryDim at most; what is off of the share moves between f and f/F.
  const length = (rotaryDim * Math.log(scaling.betaFast / scaling.betaSlow)) / (2 * Math.log(theta));
  return (16 * rotaryDim * scaling.factor) / Math.min(1, Math.abs(length));
}

// Judging `moeRoute`: share_s = e_s / D. A power is off by u·|l − max| (the rounded difference) and by the
// exponential's own error; D by the mean of those, each by its part of D, and by the roundings of its sum; one
// quotient, or three where an engine divides by the sum over all experts first. A power that underflows is off by
// `tiny`, which the division turns into tiny / D; the quotient may underflow too.
import { sourceVariant } from '../faults/fault.ts';
import { gamma } from '../reference/arithmetic.ts';
import { deviationOf, type JudgementOf } from './judgement.ts';

const KERNEL = 'src/engine/cpu/kernels/moe.as.ts';
const POWER = 'const share = power(at(logits, <i32>at(experts, slot)) - largest);';

/** e^x is below half of the least subnormal of float32 from here on. */
const LEAST_EXPONENT = -105;

export const moeRouteJudgement: JudgementOf<'moeRoute'> = {
  budget({ isRenormalised }, { inputs, reference, rowCount, arithmetic }) {
    const { unit, tiny, expUnits, quotientUnits } = arithmetic;
    const [logits = reference, experts = reference] = inputs;
    const [expertCount, usedCount] = [logits.length / rowCount, reference.length / rowCount];
    const proven = new Float64Array(reference.length);
    for (let row = 0; row < rowCount; row += 1) {
      const own = logits.subarray(row * expertCount, (row + 1) * expertCount);
      const chosen = experts.subarray(row * usedCount, (row + 1) * usedCount);
      const largest = own.reduce((most, logit) => Math.max(most, logit), -Infinity);
      const belowOf = (id: number): number => (own[id] ?? Number.NaN) - largest;
      const offBy = (below: number): number =>
        below < LEAST_EXPONENT ? 0 : unit * (Math.abs(below) + expUnits(below));
      const summed = isRenormalised ? Array.from(chosen, belowOf) : Array.from(own, (logit) => logit - largest);
      const total = summed.reduce((sum, below) => sum + Math.exp(below), 0);
      const ofPowers = summed.reduce((sum, below) => sum + (Math.exp(below) / total) * Math.expm1(offBy(below)), 0);
      const ofTotal = ofPowers + gamma(summed.length, unit);
      for (const [slot, id] of chosen.entries()) {
        const at = row * usedCount + slot;
        const share = Math.abs(reference[at] ?? 0);
        // 1 / (1 − a) ≤ e^(a / (1 − a)).
        const relative = Math.expm1(offBy(belowOf(id)) + ofTotal / (1 - ofTotal) + 3 * quotientUnits * unit);
        proven[at] = (ofTotal < 1 ? relative : Infinity) * share + tiny * (1 + (1 + share * summed.length) / total);
      }
    }
    return { reference, expected: proven, proven, magnitude: null };
  },
  /**
   * A share 1 / (1 + Σ e^(l_j − l)), over the others that it is divided by, is largest where its own logit l is highest
   * and theirs are lowest, and least the other way round. The ids are exact.
   */
  carry({ isRenormalised }, { inputs, reference, rowCount }, deviations) {
    const [logits = reference, experts = reference] = inputs;
    const off = deviationOf(deviations, 0);
    const [expertCount, usedCount] = [logits.length / rowCount, reference.length / rowCount];
    return reference.map((_, at) => {
      const row = Math.floor(at / usedCount);
      const first = row * expertCount;
      const own = first + (experts[at] ?? Number.NaN);
      const others = isRenormalised
        ? Array.from(experts.subarray(row * usedCount, (row + 1) * usedCount), (id) => first + id)
        : Array.from({ length: expertCount }, (__, id) => first + id);
      const share = (side: -1 | 0 | 1): number => {
        const end = (i: number, towards: number): number =>
          (logits[i] ?? Number.NaN) + (side === 0 ? 0 : towards * off(i));
        let sum = 1;
        for (const i of others) if (i !== own) sum += Math.exp(end(i, -side) - end(own, side));
        return 1 / sum;
      };
      return Math.max(share(1) - share(0), share(0) - share(-1));
    });
  },
  bugClass: 'MOE_ROUTING_FAILURE',
  // 2.5 times the largest seen in the untrained tiny models of qwen3moe.
  expectedGroupRms: 0.09,
  sharesErrors: true,
  faults: [
    {
      id: 'M4',
      title: 'experts are weighted by a sigmoid instead of a softmax',
      bugClass: 'MOE_ROUTING_FAILURE',
      firstStage: 'moe_router',
      needs: 'a model with experts; for the small one more than one expert per position',
      gross: sourceVariant(
        'each share is the sigmoid of its logit',
        KERNEL,
        POWER,
        'const share = <f32>1 / (<f32>1 + power(-at(logits, <i32>at(experts, slot))));',
      ),
      small: sourceVariant(
        'the last of several shares is a thousandth too sharp',
        KERNEL,
        POWER,
        'const share = power((at(logits, <i32>at(experts, slot)) - largest) * <f32>(slot > 0 && slot + 1 == usedCount ? 1.001 : 1));',
      ),
    },
  ],
};

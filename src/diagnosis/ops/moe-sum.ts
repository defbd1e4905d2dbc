// Judging `moeSum`, Σ_s shares[s] · in[s, c]: one product, which may underflow, and at most a sum for each slot.
import { sourceVariant } from '../faults/fault.ts';
import { gamma } from '../reference/arithmetic.ts';
import { deviationOf, oneTier, type BudgetInputs, type JudgementOf } from './judgement.ts';

const KERNEL = 'src/engine/cpu/kernels/moe.as.ts';
const TERM = 'at(shares, slot) * at(x, slot * channelCount + channel)';

export const moeSumJudgement: JudgementOf<'moeSum'> = {
  budget(_, given) {
    const { inputs, reference, rowCount } = given;
    const { unit, tiny } = given.arithmetic;
    const [x = reference, shares = reference] = inputs;
    const slotCount = shares.length / rowCount;
    const magnitudes = sumOverSlots(given, (share, at) => Math.abs((shares[share] ?? 0) * (x[at] ?? 0)));
    return oneTier(given, (i) => gamma(slotCount + 1, unit) * (magnitudes[i] ?? 0) + slotCount * tiny);
  },
  carry(_, given, deviations) {
    const [x, shares] = given.inputs;
    const [offX, offShare] = [deviationOf(deviations, 0), deviationOf(deviations, 1)];
    return sumOverSlots(
      given,
      (share, at) => Math.abs(shares?.[share] ?? 0) * offX(at) + (Math.abs(x?.[at] ?? 0) + offX(at)) * offShare(share),
    );
  },
  bugClass: 'MOE_ROUTING_FAILURE',
  expectedGroupRms: 0.45,
  faults: [
    {
      id: 'M5-shares',
      title: 'answers of experts are added with shares that are not theirs',
      bugClass: 'MOE_ROUTING_FAILURE',
      firstStage: 'moe_ffn_out',
      needs: 'a model with experts; more than two per position for the small one',
      gross: sourceVariant(
        'shares in reverse order',
        KERNEL,
        TERM,
        'at(shares, usedCount - 1 - slot) * at(x, slot * channelCount + channel)',
      ),
      small: sourceVariant(
        'the last of more than two slots has the share of the one before it',
        KERNEL,
        TERM,
        'at(shares, slot > 1 && slot + 1 == usedCount ? slot - 1 : slot) * at(x, slot * channelCount + channel)',
      ),
    },
  ],
};

/** @param term of a share and of the channel of its slot that it multiplies */
function sumOverSlots(
  { inputs, reference, rowCount }: Pick<BudgetInputs, 'inputs' | 'reference' | 'rowCount'>,
  term: (share: number, at: number) => number,
): Float64Array {
  const slotCount = (inputs[1]?.length ?? 0) / rowCount;
  const width = reference.length / rowCount;
  return reference.map((_, i) => {
    const [row, c] = [Math.floor(i / width), i % width];
    let sum = 0;
    for (let s = row * slotCount; s < (row + 1) * slotCount; s += 1) sum += term(s, s * width + c);
    return sum;
  });
}

// Judging `moeSum`, Σ_s shares[s] · in[s, c]: one product, which may underflow, and at most a sum for each slot.
import { sourceVariant } from '../faults/fault.ts';
import { gamma } from '../reference/arithmetic.ts';
import { oneTier, type JudgementOf } from './judgement.ts';

const KERNEL = 'src/engine/cpu/kernels/moe.as.ts';
const TERM = 'at(shares, slot) * at(x, slot * channelCount + channel)';

export const moeSumJudgement: JudgementOf<'moeSum'> = {
  budget(_, given) {
    const { inputs, reference, rowCount } = given;
    const { unit, tiny } = given.arithmetic;
    const [x = reference, shares = reference] = inputs;
    const slotCount = shares.length / rowCount;
    const width = reference.length / rowCount;
    return oneTier(given, (i) => {
      const [row, c] = [Math.floor(i / width), i % width];
      let magnitude = 0;
      for (let s = row * slotCount; s < (row + 1) * slotCount; s += 1) {
        magnitude += Math.abs((shares[s] ?? 0) * (x[s * width + c] ?? 0));
      }
      return gamma(slotCount + 1, unit) * magnitude + slotCount * tiny;
    });
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

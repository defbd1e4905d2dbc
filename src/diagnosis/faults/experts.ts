// Faults of how the CPU engine goes through experts, as changes to its source: routing, slices, the sum of the slots. Those
// that a program can express (renormalisation, exchanged matrices) are in architecture.ts.
import type { Fault, FaultVariant } from './fault.ts';

function changed(title: string, file: string, find: string, replace: string): FaultVariant {
  return { title, inject: { kind: 'source', file: `src/engine/${file}`, find, replace } };
}

const ROUTING = 'cpu/kernels/moe.as.ts';
const POWER = 'const share = power(at(logits, <i32>at(experts, slot)) - largest);';
const SLICE = 'weights + (ids[i] ?? 0) * sliceBytes';
const TERM = 'at(shares, slot) * at(x, slot * channelCount + channel)';

export const EXPERT_FAULTS: readonly Fault[] = [
  {
    id: 'M4',
    title: 'experts are weighted by a sigmoid instead of a softmax',
    bugClass: 'MOE_ROUTING_FAILURE',
    firstStage: 'moe_router',
    needs: 'a model with experts; for the small one more than one expert per position',
    gross: changed(
      'each share is the sigmoid of its logit',
      ROUTING,
      POWER,
      'const share = <f32>1 / (<f32>1 + power(-at(logits, <i32>at(experts, slot))));',
    ),
    small: changed(
      'the last of several shares is a thousandth too sharp',
      ROUTING,
      POWER,
      'const share = power((at(logits, <i32>at(experts, slot)) - largest) * <f32>(slot > 0 && slot + 1 == usedCount ? 1.001 : 1));',
    ),
  },
  {
    id: 'M6',
    title: 'top-k off by one, or its ties broken the other way',
    bugClass: 'MOE_ROUTING_FAILURE',
    firstStage: 'moe_router_indices',
    needs: 'a model with experts; for the small one two equal logits',
    gross: changed(
      'the last expert is never looked at',
      ROUTING,
      'if (isChosen(out, slot, id) ||',
      'if ((id > 0 && id + 1 == expertCount) || isChosen(out, slot, id) ||',
    ),
    small: changed(
      'of equal logits the higher id comes first',
      ROUTING,
      '!(at(logits, id) > at(logits, best))',
      '!(at(logits, id) >= at(logits, best))',
    ),
  },
  {
    id: 'M5-slice',
    title: 'an expert’s rows are read from the slice of another',
    bugClass: 'MOE_ROUTING_FAILURE',
    firstStage: 'moe_ffn_out',
    needs: 'a model with experts that differ',
    gross: changed(
      'every expert reads the slice after its own',
      'cpu/bind-op.ts',
      SLICE,
      'weights + (((ids[i] ?? 0) + 1) % op.expertCount) * sliceBytes',
    ),
    small: changed(
      'the last expert reads the slice before its own',
      'cpu/bind-op.ts',
      SLICE,
      'weights + Math.min(ids[i] ?? 0, Math.max(0, op.expertCount - 2)) * sliceBytes',
    ),
  },
  {
    id: 'M5-shares',
    title: 'answers of experts are added with shares that are not theirs',
    bugClass: 'MOE_ROUTING_FAILURE',
    firstStage: 'moe_ffn_out',
    needs: 'a model with experts; more than two per position for the small one',
    gross: changed(
      'shares in reverse order',
      ROUTING,
      TERM,
      'at(shares, usedCount - 1 - slot) * at(x, slot * channelCount + channel)',
    ),
    small: changed(
      'the last of more than two slots has the share of the one before it',
      ROUTING,
      TERM,
      'at(shares, slot > 1 && slot + 1 == usedCount ? slot - 1 : slot) * at(x, slot * channelCount + channel)',
    ),
  },
];

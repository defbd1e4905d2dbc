// Relations between runs of whole models that hold for any right engine and need no reference: renaming tokens, reordering
// heads or experts, a longer cache, every length up to the context limit. Bits. Those of one kernel alone stand beside:
// metamorphic-v1/. Causality, prefill against decode, chunks and repetition are forward-path-identity-v1.
import { attentionJudgement } from '../src/diagnosis/ops/attention.ts';
import { expertMatmulJudgement } from '../src/diagnosis/ops/expert-matmul.ts';
import { matmulJudgement } from '../src/diagnosis/ops/matmul.ts';
import { moeSelectJudgement } from '../src/diagnosis/ops/moe-select.ts';
import type { Falsifier } from '../src/runner/run/falsifier.ts';
import {
  expertDifferences,
  headDifferences,
  onExperts,
  onModels,
  renamingDifferences,
  roomDifferences,
  sweepDifferences,
} from './metamorphic-v1/relations.ts';
import { known } from './kit/claims/known-faults.ts';
import { onWebgpu } from './kit/claims/on-webgpu.ts';
import { plants } from './kit/claims/plants.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-META-003': {
    parts: onModels(renamingDifferences, 40),
    faults: [
      ...plants`
        src/engine/cpu/bind-op.ts
        gross rows-clipped: rows after the 200th are read as that
        - weights + token * blockCount * blockBytes
        + weights + Math.min(token, 200) * blockCount * blockBytes
        small one-row-off: token 7 reads the row of token 6
        - weights + token * blockCount * blockBytes
        + weights + (token === 7 ? 6 : token) * blockCount * blockBytes
      `,
      ...known(matmulJudgement.faults, 'C7-small'),
    ],
    faultsOnWebgpu: onWebgpu('wgsl-rows-clipped wgsl-one-row-off'),
  },
  'FALSIFY-META-004': {
    parts: onModels(headDifferences, 40),
    faults: known(attentionJudgement.faults, 'A4 A4-small'),
    faultsOnWebgpu: onWebgpu('wgsl-last-head-astray wgsl-append-tail'),
  },
  'FALSIFY-META-005': {
    parts: onModels(roomDifferences, 40),
    faults: plants`
      src/engine/cpu/kernels/attention.as.ts
      gross unwritten-key-read: a key that is not written yet is seen
      - const seen = position - first + 1;
      + const seen = position - first + (position + 1 < capacity ? 2 : 1);
      small unwritten-key-read-once: the same at position 0 only
      - const seen = position - first + 1;
      + const seen = position - first + (position == 0 && capacity > rowCount + 1 ? 2 : 1);
    `,
    faultsOnWebgpu: onWebgpu('wgsl-cache-one-short-in-live wgsl-cache-two-short'),
  },
  'FALSIFY-META-006': {
    parts: onModels(sweepDifferences, 12),
    faults: plants`
      src/engine/cpu/bind-op.ts
      gross late-keys-early: after position 40 a decoded key lands one position early
      - append(keys, k + kvAt, position, count,
      + append(keys, k + kvAt, count === 1 && position > 40 ? position - 1 : position, count,
      small last-position: the key of position 63 lands on position 62 when decoded
      - append(keys, k + kvAt, position, count,
      + append(keys, k + kvAt, count === 1 && position === 63 ? 62 : position, count,
    `,
  },
  'FALSIFY-META-007': {
    parts: onExperts(expertDifferences, 40),
    faults: [
      ...known(expertMatmulJudgement.faults, 'M5-slice M5-slice-small'),
      ...known(moeSelectJudgement.faults, 'M6'),
    ],
    faultsOnWebgpu: onWebgpu('wgsl-expert-neighbour wgsl-expert-rows'),
  },
};

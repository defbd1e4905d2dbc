// Tries to find a position at which the engine's Phi-3 is not Transformers': query, key and value stored as one matrix,
// gate and up as another, a window in every layer, half of each head turned by two lists of factors; config.json and GGUF.
// Not claimed: trained weights, a text that grows past the original context within one session.
import { ARCHITECTURE_FAULTS } from '../src/diagnosis/faults/architecture.ts';
import { ATTENTION_FAULTS } from '../src/diagnosis/faults/attention.ts';
import { NORM_FAULTS } from '../src/diagnosis/faults/norm.ts';
import { ROPE_FAULTS } from '../src/diagnosis/faults/rope.ts';
import { WEIGHT_FAULTS } from '../src/diagnosis/faults/weights.ts';
import type { Falsifier } from '../src/runner/run/falsifier.ts';
import { parityFalsifiers } from './kit/claims/hf-parity.ts';
import { known } from './kit/claims/known-faults.ts';
import { plants } from './kit/claims/plants.ts';

const [logits, stages, choice] = parityFalsifiers({
  models: ['phi3', 'phi3-longrope'].map((name) => ({ name, files: ['hf', 'model.gguf'] })),
  // 17 in each layer, 3 of the whole.
  stageCount: 2 * 2 * (2 * 17 + 3),
  faults: {
    logits: [...known(WEIGHT_FAULTS, 'W3 W4 W20'), ...known(ROPE_FAULTS, 'R1 R1-small R9')],
    stages: [
      ...known(WEIGHT_FAULTS, 'W3-small W4-small W20-small'),
      ...known(ROPE_FAULTS, 'R1-small R4-small R9 R9-small'),
      ...known(ATTENTION_FAULTS, 'A6-small'),
      ...known(ARCHITECTURE_FAULTS, 'A2-small'),
      ...known(NORM_FAULTS, 'N1-small'),
      ...plants`
        src/engine/architectures/phi3.ts
        gross phi3-key-first: rows of the fused matrix are taken for key, query, value
        - attn_qkv: ['attn_q', 'attn_k', 'attn_v']
        + attn_qkv: ['attn_k', 'attn_q', 'attn_v']
        src/engine/model/fused-rows.ts
        small phi3-one-row-early: what is not first in a fused matrix begins one row early
        - const byteOffset = firstRow * (rowBytes ?? 0);
        + const byteOffset = Math.max(0, firstRow - 1) * (rowBytes ?? 0);
        src/engine/cpu/kernels/rope.as.ts
        small phi3-rest-not-copied: the half of a head that is not rotated is not copied
        - if (restBytes > 0)
        + if (restBytes > 24)
        src/engine/program/rope-frequencies.ts
        small longrope-short-always: the short factors of longrope are taken at every length
        - contextLength > scaling.originalContextLength ? scaling.long
        + contextLength > 2 ** 31 ? scaling.long
      `,
    ],
    choice: [...known(WEIGHT_FAULTS, 'W4 W20'), ...known(ROPE_FAULTS, 'R1 R9')],
  },
  onWebgpu: 'wgsl-lost-scale wgsl-last-value-row-off',
});

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-HFP3-001': logits,
  'FALSIFY-HFP3-002': stages,
  'FALSIFY-HFP3-003': choice,
};

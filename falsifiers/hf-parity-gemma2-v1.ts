// Tries to find a position at which the engine's Gemma 2 is not Transformers': gains stored less 1, norms on both sides,
// softcaps, GELU, a window in every other layer, a scale of its own, config.json and GGUF. Not claimed: trained weights.
import { ARCHITECTURE_FAULTS } from '../src/diagnosis/faults/architecture.ts';
import { ATTENTION_FAULTS } from '../src/diagnosis/faults/attention.ts';
import { NORM_FAULTS } from '../src/diagnosis/faults/norm.ts';
import { ROPE_FAULTS } from '../src/diagnosis/faults/rope.ts';
import type { Falsifier } from '../src/runner/run/falsifier.ts';
import { parityFalsifiers } from './kit/claims/hf-parity.ts';
import { known } from './kit/claims/known-faults.ts';

const [logits, stages, choice] = parityFalsifiers({
  models: [
    { name: 'gemma2', files: ['hf', 'model.gguf'] },
    { name: 'gemma2-scalar', files: ['hf'] },
  ],
  // With capped logits, in two files, and without, in one.
  stageCount: 2 * 61 + 60,
  faults: {
    logits: known(ARCHITECTURE_FAULTS, 'N3 N3-small N6 N6-small E1 A8 M2-gelu H2 H2-small'),
    stages: [
      ...known(ARCHITECTURE_FAULTS, 'N3-small E1 E1-small A7 A7-small A8-small M2-gelu-small A2-small'),
      ...known(ATTENTION_FAULTS, 'A6-small'),
      ...known(NORM_FAULTS, 'N1-small'),
      ...known(ROPE_FAULTS, 'R2-small'),
    ],
    choice: known(ARCHITECTURE_FAULTS, 'N6 N3 N6-small'),
  },
  onWebgpu: 'wgsl-no-softcap wgsl-gelu-cube',
});

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-HFG2-001': logits,
  'FALSIFY-HFG2-002': stages,
  'FALSIFY-HFG2-003': choice,
};

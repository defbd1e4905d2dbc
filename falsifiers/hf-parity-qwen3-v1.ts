// Tries to find a position at which the engine's Qwen3 is not Transformers': head norms before rotation, heads of a
// width that the file states, config.json and GGUF. Not claimed: trained weights, and experts (hf-parity-qwen3moe-v1).
import { ARCHITECTURE_FAULTS } from '../src/diagnosis/faults/architecture.ts';
import { NORM_FAULTS } from '../src/diagnosis/faults/norm.ts';
import { ROPE_FAULTS } from '../src/diagnosis/faults/rope.ts';
import type { Falsifier } from '../src/runner/run/falsifier.ts';
import { parityFalsifiers } from './kit/claims/hf-parity.ts';
import { known } from './kit/claims/known-faults.ts';

const [logits, stages, choice] = parityFalsifiers({
  models: [{ name: 'qwen3', files: ['hf', 'model.gguf'] }],
  stageCount: 2 * 41,
  faults: {
    logits: [...known(ARCHITECTURE_FAULTS, 'A9 A9-small A10 A10-small A2'), ...known(ROPE_FAULTS, 'R2')],
    stages: [
      ...known(ARCHITECTURE_FAULTS, 'A10 A10-small A2-small'),
      ...known(NORM_FAULTS, 'N1-small'),
      ...known(ROPE_FAULTS, 'R2-small'),
    ],
    choice: known(ARCHITECTURE_FAULTS, 'A9 A10 A9-small'),
  },
  onWebgpu: 'wgsl-lost-scale wgsl-last-value-row-off',
});

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-HFQ3-001': logits,
  'FALSIFY-HFQ3-002': stages,
  'FALSIFY-HFQ3-003': choice,
};

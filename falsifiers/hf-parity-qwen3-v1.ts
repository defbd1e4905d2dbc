// Tries to find a position at which the engine's Qwen3 is not Transformers': head norms before rotation, heads of a
// width that the file states, config.json and GGUF. Not claimed: trained weights, and experts (hf-parity-qwen3moe-v1).
import { ARCHITECTURE_FAULTS } from '../src/diagnosis/faults/architecture.ts';
import { plantFrom } from '../src/diagnosis/faults/fault.ts';
import { NORM_FAULTS } from '../src/diagnosis/faults/norm.ts';
import { ROPE_FAULTS } from '../src/diagnosis/faults/rope.ts';
import type { Falsifier } from '../src/runner/run/falsifier.ts';
import { parityFalsifiers } from './kit/claims/hf-parity.ts';

const [logits, stages, choice] = parityFalsifiers({
  models: [{ name: 'qwen3', files: ['hf', 'model.gguf'] }],
  stageCount: 2 * 41,
  faults: {
    logits: [
      plantFrom(ARCHITECTURE_FAULTS, 'A9', 'gross'),
      plantFrom(ARCHITECTURE_FAULTS, 'A9', 'small'),
      plantFrom(ARCHITECTURE_FAULTS, 'A10', 'gross'),
      plantFrom(ARCHITECTURE_FAULTS, 'A10', 'small'),
      plantFrom(ARCHITECTURE_FAULTS, 'A2', 'gross'),
      plantFrom(ROPE_FAULTS, 'R2', 'gross'),
    ],
    stages: [
      plantFrom(ARCHITECTURE_FAULTS, 'A10', 'gross'),
      plantFrom(ARCHITECTURE_FAULTS, 'A10', 'small'),
      plantFrom(ARCHITECTURE_FAULTS, 'A2', 'small'),
      plantFrom(NORM_FAULTS, 'N1', 'small'),
      plantFrom(ROPE_FAULTS, 'R2', 'small'),
    ],
    choice: [
      plantFrom(ARCHITECTURE_FAULTS, 'A9', 'gross'),
      plantFrom(ARCHITECTURE_FAULTS, 'A10', 'gross'),
      plantFrom(ARCHITECTURE_FAULTS, 'A9', 'small'),
    ],
  },
});

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-HFQ3-001': logits,
  'FALSIFY-HFQ3-002': stages,
  'FALSIFY-HFQ3-003': choice,
};

// Tries to find a position at which the engine's Gemma 2 is not Transformers': gains stored less 1, norms on both sides,
// softcaps, GELU, a window in every other layer, a scale of its own, config.json and GGUF. Not claimed: trained weights.
import { ARCHITECTURE_FAULTS } from '../src/diagnosis/faults/architecture.ts';
import { ATTENTION_FAULTS } from '../src/diagnosis/faults/attention.ts';
import { plantFrom } from '../src/diagnosis/faults/fault.ts';
import { NORM_FAULTS } from '../src/diagnosis/faults/norm.ts';
import { ROPE_FAULTS } from '../src/diagnosis/faults/rope.ts';
import type { Falsifier } from '../src/runner/run/falsifier.ts';
import { parityFalsifiers } from './kit/claims/hf-parity.ts';

const [logits, stages, choice] = parityFalsifiers({
  models: [
    { name: 'gemma2', files: ['hf', 'model.gguf'] },
    { name: 'gemma2-scalar', files: ['hf'] },
  ],
  // With capped logits, in two files, and without, in one.
  stageCount: 2 * 61 + 60,
  faults: {
    logits: [
      plantFrom(ARCHITECTURE_FAULTS, 'N3', 'gross'),
      plantFrom(ARCHITECTURE_FAULTS, 'N3', 'small'),
      plantFrom(ARCHITECTURE_FAULTS, 'N6', 'gross'),
      plantFrom(ARCHITECTURE_FAULTS, 'N6', 'small'),
      plantFrom(ARCHITECTURE_FAULTS, 'E1', 'gross'),
      plantFrom(ARCHITECTURE_FAULTS, 'A8', 'gross'),
      plantFrom(ARCHITECTURE_FAULTS, 'M2-gelu', 'gross'),
      plantFrom(ARCHITECTURE_FAULTS, 'H2', 'gross'),
      plantFrom(ARCHITECTURE_FAULTS, 'H2', 'small'),
    ],
    stages: [
      plantFrom(ARCHITECTURE_FAULTS, 'N3', 'small'),
      plantFrom(ARCHITECTURE_FAULTS, 'E1', 'gross'),
      plantFrom(ARCHITECTURE_FAULTS, 'E1', 'small'),
      plantFrom(ARCHITECTURE_FAULTS, 'A7', 'gross'),
      plantFrom(ARCHITECTURE_FAULTS, 'A7', 'small'),
      plantFrom(ARCHITECTURE_FAULTS, 'A8', 'small'),
      plantFrom(ARCHITECTURE_FAULTS, 'M2-gelu', 'small'),
      plantFrom(ARCHITECTURE_FAULTS, 'A2', 'small'),
      plantFrom(ATTENTION_FAULTS, 'A6', 'small'),
      plantFrom(NORM_FAULTS, 'N1', 'small'),
      plantFrom(ROPE_FAULTS, 'R2', 'small'),
    ],
    choice: [
      plantFrom(ARCHITECTURE_FAULTS, 'N6', 'gross'),
      plantFrom(ARCHITECTURE_FAULTS, 'N3', 'gross'),
      plantFrom(ARCHITECTURE_FAULTS, 'N6', 'small'),
    ],
  },
});

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-HFG2-001': logits,
  'FALSIFY-HFG2-002': stages,
  'FALSIFY-HFG2-003': choice,
};

// Tries to find a position at which the engine's Llama (Mistral included) is not Transformers': rope scaling by both
// rules, tied and untied heads, a window, bfloat16, config.json and GGUF. Not claimed: trained weights.
import { ARCHITECTURE_FAULTS } from '../src/diagnosis/faults/architecture.ts';
import { ATTENTION_FAULTS } from '../src/diagnosis/faults/attention.ts';
import { plantFrom } from '../src/diagnosis/faults/fault.ts';
import { NORM_FAULTS } from '../src/diagnosis/faults/norm.ts';
import { ROPE_FAULTS } from '../src/diagnosis/faults/rope.ts';
import type { Falsifier } from '../src/runner/falsifier.ts';
import { parityFalsifiers } from './generators/hf-parity.ts';

const [logits, stages, choice] = parityFalsifiers({
  models: ['llama', 'llama-linear', 'mistral'].map((name) => ({ name, files: ['hf', 'model.gguf'] })),
  // 37 in each folder; 31 in each GGUF file, whose Q and K are permuted.
  stageCount: 3 * (37 + 31),
  faults: {
    logits: [
      plantFrom(ROPE_FAULTS, 'R1', 'gross'),
      plantFrom(ROPE_FAULTS, 'R1', 'small'),
      plantFrom(ROPE_FAULTS, 'R2', 'gross'),
      plantFrom(ARCHITECTURE_FAULTS, 'R3', 'gross'),
      plantFrom(ARCHITECTURE_FAULTS, 'R3', 'small'),
      plantFrom(ARCHITECTURE_FAULTS, 'A2', 'gross'),
    ],
    stages: [
      plantFrom(NORM_FAULTS, 'N1', 'gross'),
      plantFrom(NORM_FAULTS, 'N1', 'small'),
      plantFrom(ROPE_FAULTS, 'R2', 'small'),
      plantFrom(ARCHITECTURE_FAULTS, 'R3', 'small'),
      plantFrom(ARCHITECTURE_FAULTS, 'A2', 'small'),
      plantFrom(ATTENTION_FAULTS, 'A6', 'small'),
    ],
    choice: [
      plantFrom(ROPE_FAULTS, 'R1', 'gross'),
      plantFrom(ARCHITECTURE_FAULTS, 'R3', 'gross'),
      plantFrom(ARCHITECTURE_FAULTS, 'A2', 'gross'),
      plantFrom(ROPE_FAULTS, 'R1', 'small'),
    ],
  },
});

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-HFLL-001': logits,
  'FALSIFY-HFLL-002': stages,
  'FALSIFY-HFLL-003': choice,
};

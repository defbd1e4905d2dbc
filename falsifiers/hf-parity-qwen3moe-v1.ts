// Tries to find a position at which the engine's Qwen3 with experts is not Transformers': router, top-k, shares
// renormalised and not, experts one by one (safetensors) and stacked (GGUF). Not claimed: trained weights.
import { ARCHITECTURE_FAULTS } from '../src/diagnosis/faults/architecture.ts';
import { NORM_FAULTS } from '../src/diagnosis/faults/norm.ts';
import { ROPE_FAULTS } from '../src/diagnosis/faults/rope.ts';
import type { Falsifier } from '../src/runner/run/falsifier.ts';
import { parityFalsifiers } from './kit/claims/hf-parity.ts';
import { known } from './kit/claims/known-faults.ts';

const [logits, stages, choice] = parityFalsifiers({
  models: [
    { name: 'qwen3moe', files: ['hf', 'model.gguf'] },
    { name: 'qwen3moe-raw', files: ['hf'] },
  ],
  stageCount: 3 * 39,
  faults: {
    logits: [...known(ARCHITECTURE_FAULTS, 'M3 M3-small M5 M5-small A10-small'), ...known(ROPE_FAULTS, 'R2')],
    stages: [...known(ARCHITECTURE_FAULTS, 'M3 M3-small M5-small'), ...known(NORM_FAULTS, 'N1-small')],
    choice: known(ARCHITECTURE_FAULTS, 'M3 M5 M5-small'),
  },
  onWebgpu: 'wgsl-expert-neighbour wgsl-shares-of-all',
});

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-HFQM-001': logits,
  'FALSIFY-HFQM-002': stages,
  'FALSIFY-HFQM-003': choice,
};

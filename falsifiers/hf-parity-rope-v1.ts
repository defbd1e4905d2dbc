// Tries to find a position at which scaled rotary positions are not Transformers': yarn (as published, with DeepSeek's
// attention factor, with ends of its ramp between pairs), longrope and dynamic, beyond and within the original context,
// config.json and GGUF. linear and llama3 are hf-parity-llama-v1. Not claimed: a text that grows past the original context
// within one session, where the engine keeps the frequencies that the session was opened with and Transformers does not.
import { ARCHITECTURE_FAULTS } from '../src/diagnosis/faults/architecture.ts';
import { ROPE_FAULTS } from '../src/diagnosis/faults/rope.ts';
import type { Falsifier } from '../src/runner/run/falsifier.ts';
import { parityFalsifiers } from './kit/claims/hf-parity.ts';
import { known } from './kit/claims/known-faults.ts';
import { plants } from './kit/claims/plants.ts';

const [logits, stages, choice] = parityFalsifiers({
  models: [
    { name: 'llama-yarn', files: ['hf', 'model.gguf'] },
    { name: 'qwen2-yarn', files: ['hf'] },
    { name: 'qwen3-yarn', files: ['hf', 'model.gguf'] },
    { name: 'llama-longrope', files: ['hf', 'model.gguf'] },
    { name: 'llama-dynamic', files: ['hf'] },
  ],
  // Llama 37 in a folder, 31 in a GGUF file, whose Q and K are permuted; Qwen2 39, Qwen3 41.
  stageCount: 37 + 31 + 39 + 41 + 41 + 37 + 31 + 37,
  faults: {
    logits: [...known(ARCHITECTURE_FAULTS, 'R3 R3-small'), ...known(ROPE_FAULTS, 'R4 R4-small R9 R9-small')],
    stages: [
      ...known(ARCHITECTURE_FAULTS, 'R3-small'),
      ...known(ROPE_FAULTS, 'R4 R4-small R9 R9-small'),
      ...plants`
        src/engine/program/rope-frequencies.ts
        small yarn-ends-between-pairs: the ends of the ramp of yarn are not made whole
        - isTruncated ? Math.floor(first) : first
        + first
        small longrope-short-always: the short factors of longrope are taken at every length
        - contextLength > scaling.originalContextLength ? scaling.long
        + contextLength > 2 ** 31 ? scaling.long
        small dynamic-one-position-late: theta grows by one position too few
        - const length = Math.max(contextLength, originalContextLength);
        + const length = Math.max(contextLength - 1, originalContextLength);
      `,
    ],
    choice: [
      ...known(ARCHITECTURE_FAULTS, 'R3'),
      ...known(ROPE_FAULTS, 'R4 R9'),
      ...known(ARCHITECTURE_FAULTS, 'R3-small'),
    ],
  },
  onWebgpu: 'wgsl-rope-pairing wgsl-rope-one-pair',
});

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-HFRO-001': logits,
  'FALSIFY-HFRO-002': stages,
  'FALSIFY-HFRO-003': choice,
};

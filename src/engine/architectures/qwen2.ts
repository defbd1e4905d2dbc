// Qwen2 and Qwen2.5, dense: Llama with biases on q, k and v and rotation pairs half a head apart.
import type { ArchitectureRules } from './rules.ts';
import { compileDecoder } from './decoder.ts';

export const qwen2: ArchitectureRules = {
  ropePairing: 'neox',
  qkvBias: 'always',
  rotatesWholeHead: false,
  hasLongrope: false,
  hasQkNorm: false,
  hasExperts: false,
  gemma: null,
  compile: compileDecoder,
};

// Qwen3, dense: Qwen2 without biases, with q and k normalised head by head before they are rotated, and heads whose
// width the file states.
import type { ArchitectureRules } from './rules.ts';
import { compileDecoder } from './decoder.ts';

export const qwen3: ArchitectureRules = {
  ropePairing: 'neox',
  qkvBias: 'where-present',
  rotatesWholeHead: false,
  hasLongrope: false,
  hasQkNorm: true,
  hasExperts: false,
  gemma: null,
  compile: compileDecoder,
};

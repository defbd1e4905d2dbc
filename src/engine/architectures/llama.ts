// Llama, and what converters call llama: Mistral 7B, TinyLlama, SmolLM, Llama 3.
import type { ArchitectureRules } from './rules.ts';
import { compileDecoder } from './decoder.ts';

export const llama: ArchitectureRules = {
  // Converters to GGUF permute the rows of Q and K so that rotation pairs are neighbours.
  ropePairing: 'norm',
  // Llama itself has none; models of the same shape that have them carry the tensors.
  qkvBias: 'where-present',
  // llama.cpp refuses a llama file that rotates a part of the head.
  rotatesWholeHead: true,
  hasLongrope: true,
  hasQkNorm: false,
  hasExperts: false,
  gemma: null,
  compile: compileDecoder,
};

// Llama, and what converters call llama: Mistral 7B, TinyLlama, SmolLM, Llama 3.
import type { Architecture } from '../config/architecture.ts';
import { compileDecoder } from './decoder.ts';

export const llama: Architecture = {
  name: 'llama',
  // Llama itself has none; models of the same shape that have them carry the tensors.
  qkvBias: 'where-present',
  hasQkNorm: false,
  bosSpellings: ['<|begin_of_text|>', '<s>', '<bos>'],
  ownTensors: /^rope_factors_/,
  gguf: {
    // Converters to GGUF permute the rows of Q and K so that rotation pairs are neighbours.
    ropePairing: 'norm',
    // llama.cpp refuses a llama file that rotates a part of the head.
    rotatesWholeHead: true,
    readsFactors: true,
    longrope: 'by type',
  },
  hf: {
    modelTypes: {
      llama: { window: 'never', isTied: false, maxPositions: 2_048 },
      mistral: { window: 'always', isTied: false, maxPositions: 131_072 },
    },
  },
  compile: compileDecoder,
};

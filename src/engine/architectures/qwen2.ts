// Qwen2 and Qwen2.5, dense: Llama with biases on q, k and v and rotation pairs half a head apart.
import type { Architecture } from '../config/architecture.ts';
import { compileDecoder } from './decoder.ts';

export const qwen2: Architecture = {
  name: 'qwen2',
  qkvBias: 'always',
  hasQkNorm: false,
  bosSpellings: ['<|endoftext|>'],
  gguf: { ropePairing: 'neox' },
  hf: { modelTypes: { qwen2: { window: 'switched', isTied: false, maxPositions: 32_768 } } },
  compile: compileDecoder,
};

// Qwen3, dense: Qwen2 without biases, with q and k normalised per head before rotation; the file states head widths.
import type { Architecture } from '../config/architecture.ts';
import { compileDecoder } from './decoder.ts';

export const qwen3: Architecture = {
  name: 'qwen3',
  qkvBias: 'where-present',
  hasQkNorm: true,
  bosSpellings: ['<|endoftext|>'],
  ownTensors: /^blk\.\d+\.attn_[qk]_norm\./,
  gguf: { ropePairing: 'neox' },
  hf: { modelTypes: { qwen3: { window: 'switched', isTied: false, maxPositions: 32_768 } } },
  compile: compileDecoder,
};

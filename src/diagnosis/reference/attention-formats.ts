// Formats of attention that engines are known to have, the narrowest first: what a judge tries where none is declared.
import type { AttentionFormat } from '../../engine/program/numeric-profile.ts';

const FLOAT32 = { scores: 'f32', probabilities: 'f32', accumulator: 'f32', divides: 'first' } as const;

export const ATTENTION_FORMATS: readonly AttentionFormat[] = [
  { ...FLOAT32, queries: 'f16' },
  { ...FLOAT32, queries: 'bf16' },
  { ...FLOAT32, queries: 'q8_0' },
  { ...FLOAT32, queries: 'q8_0', divides: 'last', isTurned: true },
  { ...FLOAT32, queries: 'f16', divides: 'last' },
  // llama.cpp without flash attention: queries and probabilities in the type of keys and values.
  { ...FLOAT32, queries: 'f16', probabilities: 'f16' },
  { ...FLOAT32, queries: 'bf16', probabilities: 'bf16' },
  // With it, values of float16 are summed in float16.
  { ...FLOAT32, queries: 'f16', accumulator: 'f16', divides: 'last' },
  { ...FLOAT32, queries: 'bf16', accumulator: 'bf16', divides: 'last' },
  { ...FLOAT32, queries: 'q8_0', accumulator: 'f16', divides: 'last' },
];

// Formats of attention that engines are known to have, the narrowest first: what a judge tries where none is declared.
import type { AttentionFormat } from '../../engine/program/numeric-profile.ts';

export const ATTENTION_FORMATS: readonly AttentionFormat[] = [
  // llama.cpp without flash attention where it converts the queries to the type of the keys.
  { queries: 'f16', scores: 'f32', probabilities: 'f32', accumulator: 'f32', divides: 'first' },
  { queries: 'f16', scores: 'f32', probabilities: 'f16', accumulator: 'f32', divides: 'first' },
];

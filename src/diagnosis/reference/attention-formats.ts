// Formats of attention that engines are known to have, with the cache that each goes with: what a judge tries where none
// is declared, the narrowest first. Of the one before it each is hundreds of float32 budgets away. What an engine might
// have and none is known to is not here: declared it is judged, but tried it could stand for a fault.
import type { AttentionFormat, FloatType, NumericProfile } from '../../engine/program/numeric-profile.ts';

type Formats = Pick<NumericProfile, 'kvCache' | 'attention'>;

const FLOAT32 = { scores: 'f32', probabilities: 'f32', accumulator: 'f32', divides: 'first' } as const;

/** What is in float32 but for its cache, and for what is said. */
const with16 = (attention: Partial<AttentionFormat>): Formats => ({
  kvCache: 'f16',
  attention: { queries: 'f16', ...FLOAT32, ...attention },
});

const OF_FLOAT32: readonly Formats[] = [
  { kvCache: 'f32', attention: null },
  // llama.cpp with flash attention, of 64 rows or more.
  { kvCache: 'f16', attention: null },
  // llama.cpp without flash attention.
  with16({ probabilities: 'f16' }),
  // llama.cpp with flash attention, of fewer rows, and with a float32 cache too.
  with16({ accumulator: 'f16', divides: 'last' }),
  // The same two, of models that scale their queries (gemma).
  with16({ probabilities: 'f16', scales: 'queries' }),
  with16({ accumulator: 'f16', divides: 'last', scales: 'queries' }),
  { kvCache: 'bf16', attention: null },
  // llama.cpp with flash attention, and without.
  { kvCache: 'bf16', attention: { queries: 'bf16', ...FLOAT32 } },
  { kvCache: 'bf16', attention: { queries: 'bf16', ...FLOAT32, probabilities: 'bf16' } },
  { kvCache: 'q8_0', attention: null },
  // llama.cpp, which turns heads of a multiple of 64 channels unless told not to.
  { kvCache: 'q8_0', attention: { queries: 'q8_0', ...FLOAT32, isTurned: true } },
  { kvCache: 'q8_0', attention: { queries: 'q8_0', ...FLOAT32 } },
];

/** Positions from which llama.cpp shares the keys of a single row out among its threads, with flash attention. */
const SHARED_FROM = 257;

/** By the number of threads. */
const OF_THREADS: readonly Formats[] = Array.from({ length: 31 }, (_, i) =>
  with16({ accumulator: 'f16', divides: 'last', parts: i + 2 }),
);

/** Stored in halves, everything in that type is the widest, and comes last. */
const ofHalf = (type: 'f16' | 'bf16'): readonly Formats[] => {
  const flash = { queries: type, ...FLOAT32, probabilities: type, divides: 'last' } as const;
  return [
    { kvCache: type, attention: { queries: type, ...FLOAT32 } },
    // Flash attention of GPUs.
    { kvCache: type, attention: flash },
    // PyTorch's scaled_dot_product_attention on a CPU.
    { kvCache: type, attention: { ...flash, expMaxUlp: 1024 } },
    // Transformers, eager.
    { kvCache: type, attention: { ...flash, scores: type, divides: 'first' } },
    { kvCache: type, attention: null },
  ];
};

/** @param storage of the engine's values */
export function attentionFormats(
  storage: FloatType,
  { rowCount, positionCount }: { rowCount: number; positionCount: number },
): readonly Formats[] {
  if (storage === 'f64') return [{ kvCache: 'f64', attention: null }];
  if (storage !== 'f32') return ofHalf(storage);
  return rowCount === 1 && positionCount >= SHARED_FROM ? [...OF_FLOAT32, ...OF_THREADS] : OF_FLOAT32;
}

// What llama.cpp does for attention, by cache and flash attention: how its ops are called, and the format that this is.
import type { AttentionFormat } from '../../src/engine/program/numeric-profile.ts';
import type { GgmlAttentionBuild, GgmlCache } from '../kit/oracles/ggml-attention.ts';
import { turn, type AttentionShape, type PlainFormat } from '../kit/references/plain-attention.ts';
import type { AttentionInput } from './trial.ts';

export interface GgmlEngine {
  attend(attend: GgmlAttentionBuild['attend'], input: AttentionInput): Float32Array;
  formatOf(shape: AttentionShape): PlainFormat;
}

const FLOAT32 = { scores: 'f32', probabilities: 'f32', accumulator: 'f32', divides: 'first' } as const;

/** Rows from which on flash attention computes in float32 whatever the cache. */
const TILE = 64;

export const GGML_ENGINES: readonly GgmlEngine[] = [
  engine('f32', false, () => null),
  engine('f32', true, () => null),
  engine('f16', false, () => ({ queries: 'f16', ...FLOAT32, probabilities: 'f16' })),
  engine('f16', true, ({ rowCount }) =>
    rowCount < TILE ? { queries: 'f16', ...FLOAT32, accumulator: 'f16', divides: 'last' } : null,
  ),
  engine('bf16', false, () => ({ queries: 'bf16', ...FLOAT32, probabilities: 'bf16' })),
  engine('bf16', true, () => ({ queries: 'bf16', ...FLOAT32 })),
  engine('q8_0', true, () => ({ queries: 'q8_0', ...FLOAT32 })),
  turnedEngine(),
];

function engine(
  cache: GgmlCache,
  hasFlash: boolean,
  attentionOf: (shape: AttentionShape) => AttentionFormat | null,
): GgmlEngine {
  return {
    attend: (attend, input) => attend(input.shape, input, { cache, hasFlash }),
    formatOf: (shape) => ({ storage: 'f32', kvCache: cache, attention: attentionOf(shape) }),
  };
}

/** Its graph turns heads of a multiple of 64 channels before the cache, and the result back. */
function turnedEngine(): GgmlEngine {
  return {
    attend(attend, { shape, q, k, v }) {
      const { headDim } = shape;
      const [ofKeys, ofValues] = headDim % 64 === 0 ? [headDim, 64] : [1, 1];
      const rows = { q: turn(q, ofKeys), k: turn(k, ofKeys), v: turn(v, ofValues) };
      return turn(attend(shape, rows, { cache: 'q8_0', hasFlash: true }), ofValues);
    },
    formatOf: () => ({
      storage: 'f32',
      kvCache: 'q8_0',
      attention: { queries: 'q8_0', ...FLOAT32, isTurned: true },
    }),
  };
}

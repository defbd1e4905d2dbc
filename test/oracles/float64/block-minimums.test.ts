// The minimum of each block of weights: what is left of them where every integer is 0.
import { describe, expect, it } from 'vitest';
import { TENSOR_TYPES } from '../../../src/engine/formats/tensor-types.ts';
import { readMinimums } from '../../../src/oracles/float64/block-minimums.ts';
import { dequantizeExact } from '../../../src/oracles/float64/dequantize/dequantize-exact.ts';
import { randomBlocks } from '../../cases/random-blocks.ts';
import { memoryWeights } from './memory-weights.ts';

const [ROWS, COLUMNS] = [3, 512];

/** Bytes of a block that hold integers, from and to before, and neighbours that share a minimum. */
const LAYOUTS = [
  ['q4_1', 4, 20, 32],
  ['q5_1', 4, 24, 32],
  ['q2_k', 16, 80, 16],
  ['q4_k', 16, 144, 32],
  ['q5_k', 16, 176, 32],
] as const;

describe.each(LAYOUTS)('of %s', (type, from, to, neighbours) => {
  const data = randomBlocks(type, ROWS * COLUMNS, 5);
  const weights = memoryWeights({ w: { shape: [ROWS, COLUMNS], type, data } });

  it('is what its elements are where their integers are 0', async () => {
    const cleared = data.map((byte, i) => {
      const at = i % TENSOR_TYPES[type].blockBytes;
      return at >= from && at < to ? 0 : byte;
    });
    const minimums = await readMinimums(weights, 'w', COLUMNS, 1, 2);
    expect(minimums?.blockElements).toBe(neighbours);
    const left = dequantizeExact(type, cleared).subarray(COLUMNS);
    expect(left.findIndex((value, i) => value !== minimums?.values[Math.floor(i / neighbours)])).toBe(-1);
  });
});

it('is not there in types without one', async () => {
  const weights = memoryWeights({ w: { shape: [1, 32], type: 'q8_0', data: randomBlocks('q8_0', 32, 1) } });
  expect(await readMinimums(weights, 'w', 32, 0, 1)).toBeNull();
});
